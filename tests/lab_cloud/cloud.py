"""A cloud of its own for these tests: the article's site under another name and prefix, in a lab on this computer."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.lab_cloud.command import Done, Running

from wallcloud.lab import kernel
from wallcloud.lab.lab import Lab
from wallcloud.lab.processes import Process, processes
from wallcloud.site.load import load
from wallcloud.site.template import text

ROOT = Path(__file__).resolve().parents[2]
NAME = "proof"
NODES = ("control", "api", "network", "compute1", "compute2")
MAX_SECONDS = 400.0
"""Longer takes no command here, also on a busy computer."""

_PROCESSES = """
import json, os, pathlib
def fields(pid):
    return pathlib.Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
found = {"systemd": {"1": fields("1")[19]}}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        unit = pathlib.Path("/proc", pid, "cgroup").read_text().strip().rpartition("/")[2]
        if unit.startswith("wallcloud-") or (unit == "ssh.service" and fields(pid)[1] == "1"):
            found.setdefault(unit, {})[pid] = fields(pid)[19]
    except OSError:
        pass
print(json.dumps(found))
"""

Units = dict[str, dict[str, str]]
"""Unit → {pid: when it started, in ticks}."""


def site_text(expiration: int = 7200) -> str:
    """The article's site as another one, so that both can be up; `expiration` is an option to change."""
    whole = text("article").replace("name: article", f"name: {NAME}", 1).replace("198.18.", "198.19.")
    assert f"name: {NAME}" in whole and "expiration: 7200" in whole
    return whole.replace("expiration: 7200", f"expiration: {expiration}")


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
        self.site.write_text(site_text(seconds))

    # -- the command

    def start(self, *words: str, site: Path | None = None, environment: Mapping[str, str] | None = None) -> Running:
        """Starts `wallcloud WORDS --site …`."""
        argv = (*words, "--site", str(site or self.site))
        running = Running(self.command, argv, {**self.environment, **(environment or {})})
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

    def expect_verified(self) -> None:
        """Every expectation of verify is met."""
        done = self.run("verify", "--json").expect(0, "verify")
        report = json.loads(done.stdout)
        assert report["failed"] == 0
        assert report["met"] > 20

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
        ran = subprocess.run(argv, input=input, capture_output=True, text=True, check=False, timeout=120)
        assert not check or ran.returncode == 0, f"on {node}: {script}: {ran.returncode}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def units(self, node: str) -> Units:
        """Every process of every unit of Wallcloud's, sshd and systemd, with its start time."""
        found: Units = json.loads(self.on(node, "exec python3 -", input=_PROCESSES))
        return found

    def all_units(self) -> dict[str, Units]:
        return {node: self.units(node) for node in NODES}

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
