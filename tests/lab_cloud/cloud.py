"""A cloud of its own for these tests: the article's site under another name and prefix, in a lab on this computer."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.lab_cloud import units
from tests.lab_cloud.command import Done, Running
from tests.lab_cloud.units import Units

from wallcloud.lab import kernel
from wallcloud.lab.lab import Lab
from wallcloud.lab.processes import Process, processes
from wallcloud.lab.wiring import WIRES, namespace
from wallcloud.site.load import load
from wallcloud.site.template import text
from wallcloud.verify.parts import PARTS

ROOT = Path(__file__).resolve().parents[2]
NAME = "proof"
NODES = ("control", "api", "network", "compute1", "compute2")
MAX_SECONDS = 1200.0
"""Longer takes no command here, also on a very busy computer: only what hangs is caught by it."""


_COMPUTE = """\
  {name}:
    roles: [compute]{drain}
    interfaces: {{management: mgmt0, overlay: ovl0, flat-a: pra0, flat-b: prb0}}
"""


def site_text(expiration: int = 7200, more: str = "", drain: str = "") -> str:
    """The article's site as another one, so that both can be up. `expiration` is an option to change, `more` the name
    of one more compute, `drain` what becomes of that one's VMs (move, stop)."""
    whole = text("article").replace("name: article", f"name: {NAME}", 1).replace("198.18.", "198.19.")
    assert f"name: {NAME}" in whole and "expiration: 7200" in whole
    last = _COMPUTE.format(name="compute2", drain="")
    assert last in whole
    if more:
        way = f"\n    drain: {drain}" if drain else ""
        whole = whole.replace(last, last + _COMPUTE.format(name=more, drain=way))
    return whole.replace("expiration: 7200", f"expiration: {expiration}")


Report = dict[str, Any]
"""What `wallcloud verify --json` prints."""


def verify_words(parts: Sequence[str]) -> tuple[str, ...]:
    """The arguments of `wallcloud verify` for these parts."""
    return ("verify", "--json", *(word for part in parts for word in ("--part", part)))


def report_of(done: Done) -> Report:
    """The report of a `verify --json` that came to its end."""
    assert done.status in {0, 1} and "Traceback" not in done.said, done.said
    report: Report = json.loads(done.stdout)
    assert done.status == (1 if report["failed"] else 0)
    return report


def failures(report: Report) -> str:
    """What failed in a report, a line each."""
    return "\n".join(
        f"{failed['id']}: expected {failed['expected']}, saw {failed['seen'][:300]}"
        for part in report["parts"].values()
        for failed in part["failed"]
    )


@dataclass
class Cloud:
    """The site in `folder`, run by a copy of Wallcloud that nobody edits meanwhile. `said`: all outputs so far."""

    folder: Path
    said: list[str] = field(default_factory=list)
    first: Done | None = None
    """The first apply on bare machines, uninterrupted."""
    argument_lists: set[bytes] = field(default_factory=set)
    """Heard while that apply ran."""
    expiration: int = 7200
    _running: list[Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.copytree(ROOT / "src", self.source, ignore=shutil.ignore_patterns("__pycache__"))
        self.set_expiration(7200)

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def site(self) -> Path:
        return self.folder / "site.yaml"

    @property
    def state(self) -> Path:
        return self.folder / ".wallcloud"

    @cached_property
    def lab(self) -> Lab:
        return Lab.of(load(self.site))

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.source), "PYTHONUNBUFFERED": "1"}

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, "-m", "wallcloud")

    def set_expiration(self, seconds: int) -> None:
        """Changes the site: Keystone's configuration follows."""
        self.expiration = seconds
        self.set_compute()

    def set_compute(self, more: str = "", drain: str = "") -> None:
        """Changes the site: one more compute, or none; what becomes of its VMs."""
        self.site.write_text(site_text(self.expiration, more, drain))
        self.__dict__.pop("lab", None)

    # -- the command

    def start(
        self,
        *words: str,
        site: Path | None = None,
        environment: Mapping[str, str] | None = None,
        input: str | None = None,
    ) -> Running:
        """Starts `wallcloud WORDS --site …`; `lab exec` takes what follows its place as another program's."""
        end = 2 if words[:2] == ("lab", "exec") else len(words)
        argv = (*words[:end], "--site", str(site or self.site), *words[end:])
        running = Running(self.command, argv, {**self.environment, **(environment or {})}, input)
        self._running.append(running)
        return running

    def run(self, *words: str, site: Path | None = None, environment: Mapping[str, str] | None = None) -> Done:
        """Runs it to its end."""
        return self.finish(self.start(*words, site=site, environment=environment))

    def finish(self, running: Running, seconds: float = MAX_SECONDS) -> Done:
        """Waits for the end of what `start` began."""
        done = running.done(seconds)
        self.said.append(done.said)
        return done

    def apply(self, what: str = "") -> Done:
        """One apply, which must succeed."""
        return self.run("apply", "--json").expect(0, what)

    def expect_designed(self, what: str = "") -> None:
        """The plan is empty."""
        done = self.run("plan").expect(0, f"the plan is not empty {what}")
        assert "nothing to do" in done.stdout

    def expect_recovered(self, what: str) -> None:
        """The plan gets empty without an apply; until then it holds nothing but units that are not ready yet."""
        end = time.monotonic() + MAX_SECONDS
        while (done := self.run("plan", "--json")).status:
            changes = [
                f"{event['node']}: {event['resource']['name']}: {change['property']}"
                for event in done.events
                if event["event"] == "done"
                for change in event["changes"]
                if change["property"] != "ready"
            ]
            assert done.summary["ok"] and not changes, f"{what}: {changes}\n{done.said}"
            assert time.monotonic() < end, f"not ready {what}: {done.said}"
        self.expect_designed(what)

    def verify(self, *parts: str) -> Report:
        """The report of these parts (all, where none is named), whatever it says."""
        return report_of(self.run(*verify_words(parts)))

    def expect_verified(self, *parts: str) -> Report:
        """Every expectation of these parts is met; of all, where none is named."""
        report = self.verify(*parts)
        assert not report["failed"], failures(report)
        assert report["met"] == report["expectations"] > 20
        assert set(report["parts"]) == set(parts or PARTS)
        return report

    def fresh(self) -> None:
        """Bare machines in the place of those that are there; the state folder's secrets and CA stay."""
        self.run("lab", "down").expect(0)
        self.run("lab", "up").expect(0)

    def close(self) -> None:
        """Ends what these tests started, and the lab."""
        for running in self._running:
            running.end()
        if self.source.exists():
            self.run("lab", "down").expect(0)

    # -- the machines

    def on(self, node: str, script: str, *, input: str = "", check: bool = True) -> str:
        """Runs a shell script as root on a node, by SSH; returns its standard output."""
        argv = self.lab.ssh(node, ("sh", "-euc", script))
        ran = subprocess.run(argv, input=input, capture_output=True, text=True, check=False, timeout=600)
        assert not check or ran.returncode == 0, f"on {node}: {script}: {ran.returncode}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def units(self, node: str) -> Units:
        """Every unit of Wallcloud's that runs, sshd and systemd, with their processes."""
        return units.parsed(self.on(node, "exec python3 -", input=units.PROGRAM))

    def all_units(self) -> dict[str, Units]:
        return {node: self.units(node) for node in NODES}

    def link(self, node: str, *, up: bool) -> None:
        """Pulls the cable of a node's management network out of the switch, or puts it back."""
        wiring = self.lab.wiring
        machine = wiring.machine(node)
        port = next(nic.port for nic in machine.nics if nic.name == machine.parent)
        words = ("ip", "-n", namespace(NAME, WIRES), "link", "set", port, "up" if up else "down")
        subprocess.run(words, check=True)

    def converge(self, node: str) -> Process | None:
        """The program of a session that runs on a node now, as this computer sees it."""
        machine = kernel.inode(self.lab.wiring.machine(node).namespace)
        for each in processes().values():
            if each.net == machine and each.argv[:3] == ("python3", "-I", "-c") and "memfd_create" in each.argv[-1]:
                return each
        return None

    def state_listing(self) -> dict[str, tuple[int, int, int]]:
        """Every path of the state folder: (mode, size, time of change in ns)."""
        found = {}
        for path in (self.state, *self.state.rglob("*")):
            with suppress(FileNotFoundError):
                status = path.lstat()
                found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
        return found
