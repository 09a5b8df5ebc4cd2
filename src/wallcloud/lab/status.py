"""What `lab status` shows."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wallcloud.frozen import frozen
from wallcloud.lab.processes import Process

if TYPE_CHECKING:
    from wallcloud.lab.machine import Box


@frozen
class MachineStatus:
    """`state` is what its systemd says (running, degraded, starting …) or off; `uptime` in seconds; `memory` in MiB.

    Memory is the proportional set size (PSS) of all that runs in it and of its container manager.
    """

    name: str
    state: str
    address: str
    pid: int | None
    uptime: float | None
    memory: float | None
    processes: int


@frozen
class PlaceStatus:
    """The router or a workstation: whether it is wired, its addresses, how many processes are there."""

    name: str
    up: bool
    addresses: tuple[str, ...]
    processes: int


@frozen
class Status:
    """A whole lab. `wires` has the ports of each bridge that exists; `walled`: the host's unreachable routes stand."""

    site: str
    machines: tuple[MachineStatus, ...]
    places: tuple[PlaceStatus, ...]
    wires: Mapping[str, tuple[str, ...]]
    walled: bool

    @property
    def up(self) -> bool:
        """Whether every machine is booted and every place there."""
        booted = all(machine.state in {"running", "degraded"} for machine in self.machines)
        return booted and all(place.up for place in self.places) and self.walled

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "up": self.up}


def machine_status(box: "Box", among: dict[int, Process]) -> MachineStatus:
    """One machine, out of `processes.processes()`."""
    found = box.running(among)
    inside: list[Process] = []
    if found.leader is not None:
        namespace = _pid_namespace(found.leader.pid)
        inside = [each for each in among.values() if _pid_namespace(each.pid) == namespace]
    uptime = None
    if found.leader is not None:
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME) - found.leader.start / os.sysconf("SC_CLK_TCK")
    counted = [*inside, *filter(None, (found.keeper, found.manager))]
    return MachineStatus(
        name=box.name,
        state=box.state(found),
        address=str(box.machine.address.ip),
        pid=found.leader.pid if found.leader else None,
        uptime=uptime,
        memory=round(sum(map(_pss, counted)) / 1024, 1) if found.leader else None,
        processes=len(inside),
    )


def _pid_namespace(pid: int) -> str:
    """Which PID namespace a process is in, or an empty text when it is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def _pss(process: Process) -> int:
    """KiB; proc_pid_smaps(5)."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
