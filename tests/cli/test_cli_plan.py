"""Plan and apply as a user sees them: live, line by line, as JSON, and at the end."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from tests.deploy.far import FINE, Far
from tests.design.goldens import golden
from tests.design.world import RELEASE

from wallcloud.cli import converging, plan_text
from wallcloud.cli.main import wallcloud
from wallcloud.cli.reporter import Board, JsonEvents, Lines, reporter
from wallcloud.deploy.run import Outcome, Summary

FOLDER = Path(__file__).parent / "golden"
Event = dict[str, Any]


def of(kind: str, name: str) -> Event:
    return {"kind": kind, "name": name, "component": "keystone"}


def change(name: str, before: Any, after: Any, **more: Any) -> Event:
    return {"property": name, "before": before, "after": after, "secret": False, "diff": None, **more}


def done(kind: str, name: str, *changes: Event, outcome: str = "planned", then: str = "", why: str = "why") -> Event:
    return {
        "event": "done", "time": 1.0, "index": 0, "resource": of(kind, name), "outcome": outcome,
        "changes": list(changes), "reason": why, "consequence": then, "seconds": 0.26,
    }  # fmt: skip


FAILED: Event = {
    "event": "failed", "time": 1.0, "index": 3, "resource": of("unit", "wallcloud-keystone.service"),
    "what": "is not ready after 60 s", "tried": "/usr/bin/python3 uwsgi_ready.py", "output": ["one", "two"],
    "hint": "journalctl -u wallcloud-keystone",
}  # fmt: skip
STREAM: list[tuple[str, Event]] = [
    ("control", {"event": "connecting"}),
    ("api", {"event": "connecting"}),
    ("compute1", {"event": "connecting"}),
    ("compute1", {"event": "lost", "why": "cannot be reached by SSH", "hint": "try it: ssh x", "output": ["no route"]}),
    ("control", {"event": "facts", "time": 1.0, "facts": {}}),
    ("control", {"event": "begin", "time": 1.0, "count": 9}),
    ("control", {"event": "started", "time": 1.0, "index": 0, "resource": of("file", "/etc/x")}),
    ("control", done("file", "/etc/x", change("mode", "0644", "0600"), outcome="applied")),
    ("control", done("file", "/etc/y", outcome="unchanged")),
    ("control", done("unit", "a.service", change("running", "stale", "current"), outcome="applied",
                     then="restarts a.service")),
    ("control", {"event": "progress", "time": 1.0, "index": 2, "note": "unpacking", "done": None, "total": None}),
    ("control", {"event": "progress", "time": 1.0, "index": 2, "note": "unpacking", "done": 5, "total": 9}),
    ("api", {"event": "waiting", "time": 1.0, "index": 2, "milestones": ["management-door@control ready"]}),
    ("control", {"event": "unconfirmed", "why": "Connection timed out"}),
    ("control", FAILED),
    ("control", {"event": "left", "time": 1.0, "index": 4, "resource": of("file", "/z"), "why": "x before it failed"}),
    ("control", {"event": "finished", "time": 1.0, "outcome": "failed", "applied": 2, "unchanged": 1, "planned": 0,
                 "seconds": 4.2}),
    ("api", {"event": "locked", "time": 1.0, "holder": {"operator": "eve@x", "pid": 7}}),
]  # fmt: skip


def console(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=100, force_terminal=terminal, color_system=None, highlight=False), text


@pytest.mark.parametrize("apply", [True, False])
def test_lines(apply: bool) -> None:
    target, text = console()
    with Lines(target, 8, apply=apply) as face:
        for node, event in STREAM:
            face.event(node, event)
    golden(FOLDER / f"lines-{'apply' if apply else 'plan'}.txt", text.getvalue())


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with JsonEvents() as face:
        for node, event in STREAM:
            face.event(node, event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"node": node, **event} for node, event in STREAM]


def test_the_board_shows_where_each_node_is() -> None:
    target, _ = console(terminal=True)
    board = Board(target, ("control", "api", "compute1"), apply=True)
    seen = []
    for node, event in STREAM:
        board.event(node, event)
        target.file = frame = io.StringIO()
        target.print(board._render())
        seen.append(frame.getvalue().replace("  0 s  ", "  N s  "))
    golden(FOLDER / "board.txt", "\n".join([seen[0], seen[6], seen[9], seen[11], seen[12], seen[-1]]))


def test_the_board_shows_a_node_with_several_in_hand() -> None:
    """Who works is shown before who waits; a failure stays on the board while the rest goes on."""
    target, _ = console(terminal=True)
    board = Board(target, ("control",), apply=True)
    seen = []
    for event in (
        {"event": "begin", "count": 9},
        {"event": "started", "index": 0, "resource": of("file", "/a")},
        {"event": "started", "index": 4, "resource": of("unit", "b.service")},
        {"event": "waiting", "index": 4, "milestones": ["x ready"]},
        {**done("file", "/a", outcome="unchanged"), "index": 0},
        {"event": "started", "index": 3, "resource": of("unit", "wallcloud-keystone.service")},
        FAILED,
        {"event": "progress", "index": 4, "note": "start b.service"},
    ):
        board.event("control", event)
        target.file = frame = io.StringIO()
        target.print(board._render())
        seen.append(" ".join(frame.getvalue().replace(" 0 s ", " ").split()))
    assert seen == [
        "control at work 0/9",
        "control at work 0/9 file /a",
        "control at work 0/9 unit b.service (and 1 more)",
        "control at work 0/9 file /a (and 1 more)",
        "control waiting 1/9 x ready",
        "control at work 1/9 unit wallcloud-keystone.service (and 1 more)",
        "control failed 2/9 is not ready after 60 s",
        "control failed 2/9 is not ready after 60 s",
    ]


def test_the_board_leaves_lines_behind_and_nothing_else() -> None:
    target, text = console(terminal=True)
    with Board(target, ("control", "api", "compute1"), apply=True) as board:
        for node, event in STREAM:
            board.event(node, event)
        board.event("unknown", {"event": "facts"})
    assert "control   file /etc/x (0.3 s)" in text.getvalue()


def test_the_right_face_for_each_place() -> None:
    terminal, pipe = console(terminal=True)[0], console()[0]
    assert type(reporter(terminal, ("a",), apply=True, as_json=False)) is Board
    assert type(reporter(pipe, ("a",), apply=True, as_json=False)) is Lines
    assert type(reporter(terminal, ("a",), apply=True, as_json=True)) is JsonEvents


CHANGES = [
    done("file", "/etc/new", change("type", None, "file"),
         change("content", None, "2 lines", diff="@@ -0,0 +1,2 @@\n+a\n+b")),
    done("file", "/etc/old", change("content", "1 lines", "1 lines", diff="@@ -1 +1 @@\n-a\n+b"),
         change("mode", "0755", "0644")),
    done("file", "/etc/secret", change("content", None, None, secret=True, diff="@@ -1 +1 @@\n-x\n+«secret y»")),
    done("identity-user", "demo", change("password", None, None, secret=True), change("enabled", False, True)),
    done("unit", "a.service", change("running", "stale: /etc/old", "current"), then="restarts a.service"),
    done("exclusive-units", "wallcloud-*", change("strangers", ["b.service", "c.service"], []), then="stops b.service",
         why=""),
    done("sysctl", "x", change("value", "", "1")),
    done("unit", "a.service", change("active", "inactive", "active"), then="restarts a.service"),
]  # fmt: skip


def summary(*outcomes: Outcome) -> Summary:
    return Summary(outcomes, None)


def text(lines: Any) -> str:
    return "".join(f"{line.plain}\n" for line in lines)


PLANNED = summary(
    Outcome("control", "ok", unchanged=90, planned=8, changes=CHANGES),
    Outcome("api", "ok", unchanged=50, planned=1, changes=[CHANGES[4]]),
    Outcome("network", "ok", unchanged=40),
    Outcome("compute1", "lost", why="cannot be reached by SSH"),
    Outcome("compute2", "failed", unchanged=1, planned=2, why="file /x: No such file"),
)


@pytest.mark.parametrize(
    ("name", "whole", "details"), [("plan", True, False), ("summary", False, False), ("details", True, True)]
)
def test_a_plan(name: str, whole: bool, details: bool) -> None:
    said = text(plan_text.lines(PLANNED, whole=whole, details=details))
    golden(FOLDER / f"plan-{name}.txt", said + text(plan_text.verdict(PLANNED, " --site x.yaml")))


def test_nothing_to_do() -> None:
    fine = summary(Outcome("a", "ok", unchanged=5), Outcome("b", "ok", unchanged=5))
    assert text(plan_text.lines(fine, whole=True, details=False)) == "a: nothing to do\nb: nothing to do\n"
    assert text(plan_text.verdict(fine, "")) == "nothing to do: 2 nodes are as the site says\n"
    one = summary(Outcome("a", "ok", unchanged=5))
    assert text(plan_text.verdict(one, "")) == "nothing to do: 1 node is as the site says\n"


def test_applied() -> None:
    fine = summary(Outcome("a", "ok", applied=3), Outcome("b", "ok", applied=0))
    assert text(plan_text.applied(fine, "")) == ("3 changed: 2 nodes are as the site says. Next: wallcloud verify\n")
    nothing = summary(Outcome("a", "ok"))
    assert text(plan_text.applied(nothing, " --site x")) == (
        "nothing to do: 1 node is as the site says. Next: wallcloud verify --site x\n"
    )
    bad = summary(
        Outcome("a", "ok", applied=3), Outcome("b", "failed", applied=1, why="unit x: broke"), Outcome("c", "cancelled")
    )
    assert text(plan_text.applied(bad, "")) == (
        "b: failed: unit x: broke\n"
        "c: cancelled\n"
        "4 changed; 1 of 3 nodes as the site says. Mend what is named above, then: wallcloud apply\n"
    )


def test_a_made_thing_is_told_from_a_changed_one() -> None:
    lines = [line.plain for line in plan_text.lines(PLANNED, whole=True, details=False)]
    assert [line for line in lines if line.startswith("  + ")] == ["  + file /etc/new — why"]
    assert sum(line.startswith("  ~ ") for line in lines) == len(CHANGES)


# -- the verbs themselves, with played nodes


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converging, "release_of", lambda *_, **__: RELEASE)


def invoke(*words: str) -> Result:
    return CliRunner().invoke(wallcloud, words, prog_name="wallcloud")


PLANS = """order()
say('begin', count=2)
done(0)
done(1, 'planned', changes=[{'property': 'mode', 'before': '0644', 'after': '0600', 'secret': False, 'diff': None}])
finish(unchanged=1, planned=1)
"""


@pytest.mark.usefixtures("built")
def test_plan_where_there_is_something_to_do(far: Far) -> None:
    far.plays("api", PLANS)
    far.plays("network", FINE)
    ran = invoke("plan", "--node", "api", "--role", "network")
    assert ran.exit_code == 1
    assert ran.stdout == (
        "api: 1 to change, 1 as they should be\n"
        "  ~ file /x — a test\n"
        "      mode: 0644 → 0600\n"
        "network: nothing to do\n"
        "\n"
        "1 to change on 1 of 2 nodes. Next: wallcloud apply\n"
        "  interrupts: nothing\n"
    )
    assert ran.stderr == ""
    assert not (far.loaded.state / "lock").exists()


@pytest.mark.usefixtures("built")
def test_plan_where_there_is_nothing_to_do(far: Far) -> None:
    far.plays("api", FINE)
    ran = invoke("plan", "--node", "api")
    assert (ran.exit_code, ran.stdout) == (0, "api: nothing to do\nnothing to do: 1 node is as the site says\n")


@pytest.mark.usefixtures("built")
def test_plan_with_a_dead_node(far: Far) -> None:
    far.plays("api", FINE)
    ran = invoke("plan", "--node", "api", "--node", "network")
    assert ran.exit_code == 1
    golden(FOLDER / "plan-dead-node.txt", f"{ran.stdout}---\n{ran.stderr}")


@pytest.mark.usefixtures("built")
def test_plan_as_json(far: Far) -> None:
    far.plays("api", PLANS)
    ran = invoke("plan", "--node", "api", "--json")
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [event["event"] for event in events] == [
        "connecting", "facts", "begin", "done", "done", "finished", "summary",
    ]  # fmt: skip
    assert all(event["node"] == "api" for event in events[:-1])
    assert events[-1] == {
        "event": "summary",
        "ok": True,
        "planned": 1,
        "applied": 0,
        "findings": [],
        "nodes": {"api": {"status": "ok", "planned": 1, "applied": 0, "unchanged": 1, "why": ""}},
    }
    assert ran.exit_code == 1


@pytest.mark.usefixtures("built")
def test_apply(far: Far) -> None:
    far.plays("control", FINE)
    far.plays("network", "order()\ndone(0, 'applied')\nfinish(applied=1)")
    ran = invoke("apply", "--node", "network", "--without-preflight")
    assert ran.exit_code == 0
    assert ran.stdout == "1 changed: 1 node is as the site says. Next: wallcloud verify\n"
    assert ran.stderr == "network  file /x (0.0 s)\nnetwork  ok: 1 applied, 0 unchanged\n"
    assert (far.loaded.state / "lock").read_text() == ""


@pytest.mark.usefixtures("built")
def test_apply_that_fails(far: Far) -> None:
    far.plays("network", "order()\nfailed()\nfinish('failed')")
    ran = invoke("apply", "--node", "network", "--without-preflight")
    assert ran.exit_code == 1
    golden(FOLDER / "apply-failed.txt", f"{ran.stdout}---\n{ran.stderr}")


@pytest.mark.usefixtures("built")
def test_apply_of_a_site_that_another_applies(far: Far) -> None:
    from wallcloud.deploy.state import StateFolder

    with StateFolder(far.loaded.state).lock():
        ran = invoke("apply", "--node", "network", "--without-preflight")
    assert ran.exit_code == 1
    assert "is at work on this site\n  hint: wait until it ends, or end that process\n" in ran.stderr
    assert far.calls() == []
