"""Journals of several nodes as one: the deployer's end, with whatever comes from the other."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from time import monotonic

import pytest
from tests.deploy.far import Far

from wallcloud.deploy.journals import REQUEST, Entry, Journals, Question
from wallcloud.deploy.run import target

ALL = Question(units=("wallcloud-*",))


def line(at: int, message: object, unit: str = "wallcloud-nova-api.service", **more: str) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": str(at), "_SYSTEMD_UNIT": unit, "MESSAGE": message, **more})


def saying(*lines: str, then: str = "") -> str:
    return f"printf '%s\\n' {shlex.join(lines)}\n{then}"


def journals(far: Far, asked: Mapping[str, Question]) -> Journals:
    return Journals([target(far.loaded, node) for node in asked], asked)


def test_one_stream_in_the_order_of_time(far: Far) -> None:
    far.runs("control", saying(line(1, "a"), line(4, "d")))
    far.runs("network", saying(line(2, "b"), line(3, "c"), line(9, "e")))
    with journals(far, {"control": ALL, "network": ALL}) as both:
        found = [(entry.node, entry.message) for entry in both.lines()]
    assert found == [("control", "a"), ("network", "b"), ("network", "c"), ("control", "d"), ("network", "e")]
    assert both.lost == {}


def test_the_last_ones_of_all(far: Far) -> None:
    far.runs("control", saying(line(1, "a"), line(4, "d")))
    far.runs("network", saying(line(2, "b"), line(3, "c")))
    with journals(far, {"control": ALL, "network": ALL}) as both:
        assert [entry.message for entry in both.last(3)] == ["b", "c", "d"]


def test_a_node_that_is_away_costs_itself_only(far: Far) -> None:
    far.runs("control", saying(line(1, "a")))
    with journals(far, {"control": ALL, "network": ALL}) as both:
        assert [entry.message for entry in both.lines()] == ["a"]
    assert list(both.lost) == ["network"] and "No route to host" in both.lost["network"]


def test_nothing_found_is_no_failure_and_nonsense_is_one(far: Far) -> None:
    far.runs("control", "exit 1")  # as journalctl --grep ends where nothing matches
    far.runs("network", saying("-- no JSON --"))
    far.runs("api", saying(line(1, "a"), then="echo Failed to open the journal >&2; exit 1"))
    with journals(far, dict.fromkeys(("control", "network", "api"), ALL)) as all_:
        assert [entry.message for entry in all_.lines()] == ["a"]
    assert {node: why.partition(":")[0] for node, why in all_.lost.items()} == {
        "network": "what its journalctl says is not understood",
        "api": "Failed to open the journal",
    }


def test_following_shows_an_older_line_first_and_ends_what_it_started(far: Far) -> None:
    far.runs("control", saying(line(2, "later"), then="exec sleep 600"))
    far.runs("network", saying(line(1, "earlier"), then="exec sleep 600"))
    with journals(far, dict.fromkeys(("control", "network"), Question(units=(), follow=True))) as both:
        lines = both.lines()
        assert [next(lines).message for _ in range(2)] == ["earlier", "later"]
        begun = monotonic()
    assert monotonic() - begun < 60, "it waited for the nodes' end"


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"_SYSTEMD_UNIT": "wallcloud-nova-api.service"}, "nova-api"),
        ({"_SYSTEMD_UNIT": "init.scope", "UNIT": "wallcloud-mariadb.service"}, "mariadb"),
        ({"_SYSTEMD_UNIT": "ssh.service", "SYSLOG_IDENTIFIER": "sshd"}, "sshd"),
        ({"SYSLOG_IDENTIFIER": "kernel"}, "kernel"),
        ({"_SYSTEMD_UNIT": "cron.service"}, "cron"),
        ({}, ""),
    ],
)
def test_whose_line_it_is(fields: dict[str, str], source: str) -> None:
    assert Entry.of("n", json.dumps({"__REALTIME_TIMESTAMP": "1", **fields})).source == source


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("plain\tüber", "plain\tüber"),
        (list(b"bytes \xff"), "bytes �"),
        ("\x1b[31mred\x07\x9b1m", "�[31mred��1m"),
        ("two\nlines\n", "two ⏎ lines"),
        (None, ""),
    ],
)
def test_what_a_tenant_wrote_moves_no_cursor(message: object, shown: str) -> None:
    assert Entry.of("n", line(1, message)).message == shown


def test_what_a_node_is_asked(far: Far) -> None:
    question = Question(units=("a.service", "b c"), since=1.5, lines=7, grep="req\\-1'", follow=True)
    words = shlex.split(question.command())
    assert words[0] == "journalctl"
    assert {"--unit=b c", "--since=@1.500000", "--lines=7", "--grep=req\\-1'", "--follow"} <= {*words}
    wall = replace(target(far.loaded, "control"), user="wall")
    assert wall.as_root(question.command()).startswith("exec sudo -n -- journalctl ")
    assert "--until" not in question.command()


def test_what_a_request_is_called() -> None:
    assert REQUEST.fullmatch("req-5b7c1b1e-0b2f-4c53-9f44-0c6f3a1c2d11")
    assert not REQUEST.fullmatch("5b7c1b1e")
