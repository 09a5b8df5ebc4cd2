"""What must not work, or only in part: bad sites, dead nodes, two operators, Ctrl-C, a narrowed apply."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.lab_cloud.cloud import NODES, Cloud, site_text
from tests.lab_cloud.command import Event
from tests.lab_cloud.harm import change, frozen
from tests.lab_cloud.units import harmed, harmed_anywhere

from wallcloud.lab.processes import Process
from wallcloud.progress import Silent

pytestmark = [pytest.mark.root, pytest.mark.lab]

BAD = {
    "misspelt key": ("admin_prefixes:", "admin_prefixs:"),
    "host bits": ("cidr: 198.19.10.0/24", "cidr: 198.19.10.7/24"),
    "a tab": ("  management: {kind", "\tmanagement: {kind"),
    "a bracket left open": ("roles: [control]", "roles: [control"),
    "a node twice": ("  compute2:", "  compute1:"),
    "control combined": ("roles: [control]", "roles: [control, compute]"),
    "overlapping networks": ("cidr: 198.19.42.0/24", "cidr: 198.19.41.0/24"),
    "a pool over its gateway": ("198.19.51.10-198.19.51.250", "198.19.51.1-198.19.51.250"),
    "a default route on management": ("admin_prefixes: [198.19.1.0/24]", "admin_prefixes: [0.0.0.0/0]"),
    "an option that the release has not": ("{token: {expiration:", "{token: {expiracy:"),
    "options of no component": ("  keystone: {token", "  keystoned: {token"),
}
FILE_AND_LINE = re.compile(r"bad[^ ]*\.yaml:\d+:\d+: error: ")
HANGS_SECONDS = 120.0
"""Nothing waits so long for a node that is off, on a busy computer neither."""


@pytest.fixture
def no_ssh(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """(an environment in which `ssh` only leaves a mark, the mark)."""
    mark = tmp_path / "ssh-was-started"
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho started >>{mark}\nexit 255\n")
    fake.chmod(0o755)
    return {"PATH": f"{fake.parent}:{os.environ['PATH']}"}, mark


def test_bad_sites_are_refused_before_anything_is_touched(designed: Cloud, no_ssh: tuple[dict[str, str], Path]) -> None:
    environment, mark = no_ssh
    before = designed.state_listing()

    def refused(case: tuple[int, tuple[str, tuple[str, str]]]) -> list[str]:
        number, (name, (good, bad)) = case
        assert good in site_text(), name
        site = designed.folder / f"bad{number}.yaml"
        site.write_text(site_text().replace(good, bad, 1))
        wrong = []
        for verb in ("check", "plan", "apply"):
            done = designed.run(verb, site=site, environment=environment)
            if done.status != 1 or "Traceback" in done.said or not FILE_AND_LINE.search(done.said):
                wrong.append(f"{verb}: {name}: exit status {done.status}: {done.said}")
        return wrong

    with ThreadPoolExecutor(4) as pool:
        wrong = [line for lines in pool.map(refused, enumerate(BAD.items())) for line in lines]
    started = mark.read_text() if mark.exists() else ""
    touched = {path for path, _ in designed.state_listing().items() ^ before.items()}
    assert (wrong, started, touched) == ([], "", set())
    # The mark does tell, and so does the listing: the good site is tried.
    designed.run("plan", environment=environment).expect(1)
    assert mark.exists()


@pytest.fixture
def restored(designed: Cloud) -> Iterator[Cloud]:
    """Whatever was switched off is switched on again."""
    yield designed
    designed.run("lab", "up").expect(0)


def _others_as_they_were(summary: Event, lost: str) -> None:
    assert summary["nodes"][lost]["status"] == "lost"
    others = [summary["nodes"][node] for node in NODES if node != lost]
    assert all(node["status"] == "ok" and not node["applied"] and not node["planned"] for node in others), summary


def test_a_dead_node_costs_itself_only(restored: Cloud) -> None:
    """It is named with a reason and a hint; the others are finished, and as they were."""
    restored.run("lab", "kill", "compute2").expect(0)
    alive = [node for node in NODES if node != "compute2"]
    before = {node: restored.units(node) for node in alive}
    planned = restored.run("plan").expect(1, "compute2 is off")
    assert re.search("^compute2 +lost: cannot be reached by SSH", planned.stderr, re.MULTILINE), planned.said
    assert "    hint: try it: ssh " in planned.stderr
    applied = restored.run("apply", "--json").expect(1, "compute2 is off")
    _others_as_they_were(applied.summary, "compute2")
    lost = next(event for event in applied.events if event["event"] == "lost")
    assert lost["node"] == "compute2" and lost["why"] and lost["hint"]
    assert harmed_anywhere(before, {node: restored.units(node) for node in alive}) == []
    seconds = (planned.seconds, applied.seconds)
    assert max(seconds) <= HANGS_SECONDS, f"a lost node cost {seconds} s"


def test_a_node_that_takes_connections_but_never_answers(restored: Cloud) -> None:
    """Its kernel does, its sshd does not: no error comes, time alone tells."""
    pid = restored.on("compute1", "systemctl show --property=MainPID --value ssh.service").strip()
    # Not by SSH: that would be frozen too.
    stop = restored.lab.console("compute1", ("kill", "-STOP", pid))
    go = restored.lab.console("compute1", ("kill", "-CONT", pid))
    assert os.spawnvp(os.P_WAIT, stop[0], stop) == 0
    try:
        done = restored.run("plan").expect(1, "compute1 does not answer")
        assert re.search("compute1 .*lost: cannot be reached by SSH", done.said), done.said
        assert done.seconds <= HANGS_SECONDS
    finally:
        assert os.spawnvp(os.P_WAIT, go[0], go) == 0


def test_two_operators_are_told_of_each_other(designed: Cloud, tmp_path: Path) -> None:
    change(designed, 7301)
    first = designed.start("apply", "--json")
    first.until_event("control", "begin")
    thaw = frozen(designed, "control")
    try:
        second = designed.run("apply").expect(1, "the state folder is in use")
        assert f"pid {first.pid}" in second.stderr and "at work on this site" in second.stderr, second.said
        assert "hint: " in second.stderr
        # Another copy of the state: nothing but the node itself can tell.
        elsewhere = tmp_path / "elsewhere"
        shutil.copytree(designed.state, elsewhere / ".wallcloud")
        shutil.copy(designed.site, elsewhere / "site.yaml")
        third = designed.run("apply", "--node", "control", site=elsewhere / "site.yaml").expect(1, "control is in use")
        line = next(line for line in third.said.splitlines() if line.startswith("control") and "locked" in line)
        assert re.search(r"locked: \S+@\S+ is at work there since ", line), line
        assert not re.search(r"since \d{6}", line), f"a time for people, please: {line}"
    finally:
        thaw()
    designed.finish(first).expect(0, "the first operator's apply")
    designed.expect_designed("after the first operator's apply")


STOPPING = "stopping after the resources in hand"


def _no_converge(cloud: Cloud) -> dict[str, Process]:
    return {node: found for node in NODES if (found := cloud.converge(node)) is not None}


def test_ctrl_c_once_ends_cleanly(designed: Cloud) -> None:
    change(designed, 7302)
    apply = designed.start("apply")
    apply.until(lambda line: line.startswith("control ") and "certificate" in line, "control is at work")
    apply.signal(signal.SIGINT)
    done = designed.finish(apply, 300).expect(1, "Ctrl-C")
    assert STOPPING in done.stderr
    assert re.search("^control.*cancelled", done.said, re.MULTILINE), done.said
    assert "wallcloud apply" in done.said, f"what to do next: {done.said}"
    assert _no_converge(designed) == {}
    designed.apply("after Ctrl-C")
    designed.expect_designed("after Ctrl-C and an apply")


def test_ctrl_c_while_it_connects(designed: Cloud) -> None:
    """Before any node has answered: one is kept from answering."""
    for event in ("connecting", "facts"):
        apply = designed.start("apply", "--json")
        apply.until_event("control", event)
        apply.signal(signal.SIGINT)
        done = designed.finish(apply, 300)
        assert done.status != 0 and "Traceback" not in done.said, done.said
        assert STOPPING in done.stderr
        # Nobody is blamed for what the operator wanted.
        assert '"failed"' not in done.stdout, done.said
    designed.expect_designed("after applies that were cancelled at their beginning")


def test_ctrl_c_twice_ends_at_once(designed: Cloud) -> None:
    change(designed, 7303)
    apply = designed.start("apply")
    apply.until(lambda line: line.startswith("control ") and "certificate" in line, "control is at work")
    thaw = frozen(designed, "control")
    try:
        apply.signal(signal.SIGINT)
        apply.until(lambda line: STOPPING in line, "the first Ctrl-C is answered")
        assert not apply.over(1.0), "the resource in hand is waited for"
        apply.signal(signal.SIGINT)
        assert apply.over(HANGS_SECONDS), "the second Ctrl-C waits for nobody"
        done = designed.finish(apply)
        assert done.status not in {0, -signal.SIGKILL} and "Traceback" not in done.said, done.said
    finally:
        thaw()
    designed.apply("after Ctrl-C twice")
    designed.expect_designed("after Ctrl-C twice and an apply")


CONTROL_STATE = "systemctl is-active wallcloud-apache.service || true"
API_HARM = "systemctl stop wallcloud-apache.service"


def test_a_narrowed_apply_reads_control_and_leaves_it_alone(designed: Cloud) -> None:
    designed.on("api", API_HARM)
    before = designed.units("control")
    done = designed.run("apply", "--node", "api", "--json").expect(0, "api alone")
    assert set(done.summary["nodes"]) == {"api"} and done.summary["applied"] >= 1
    assert harmed(before, designed.units("control")) == []
    designed.expect_designed("after a narrowed apply")


def test_a_narrowed_apply_says_what_it_lacks_of_control(designed: Cloud) -> None:
    designed.on("api", API_HARM)
    designed.on("control", "systemctl stop wallcloud-apache.service")
    done = designed.run("apply", "--node", "api").expect(1, "control's door is not there")
    assert "management-door@control" in done.said, done.said
    assert "hint: " in done.said
    assert designed.on("control", CONTROL_STATE).strip() == "inactive", "control was to be read only"
    designed.apply("of the whole site")
    designed.expect_designed("after control was mended")


def test_a_narrowed_apply_without_a_control_node(restored: Cloud) -> None:
    restored.on("api", API_HARM)
    restored.lab.kill("control", Silent())
    done = restored.run("apply", "--node", "api").expect(1, "control is off")
    assert "control" in done.said and "cannot be reached by SSH" in done.said, done.said
    assert done.seconds <= HANGS_SECONDS
