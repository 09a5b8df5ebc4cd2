"""Which processes belong to a lab, read from /proc, and how they end. No records: the kernel knows.

A process is the lab's if its network namespace is one of the lab's, or if its command line is that of a keeper (see
`keeper`) or of a container manager of the lab. Namespaces that a node makes (for a tenant's router) need no search:
what is inside them is inside the machine's PID namespace and dies with the machine's PID 1.
"""

import os
import select
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from wallcloud.frozen import frozen
from wallcloud.lab import kernel

PROC = Path("/proc")
KEEPER = "wallcloud-lab-keeper"


@frozen
class Process:
    """One process: `start` in clock ticks since boot (with the pid it is unique), `net` the inode of its namespace."""

    pid: int
    parent: int
    start: int
    net: int
    inner_pid: int
    argv: tuple[str, ...]


def processes() -> dict[int, Process]:
    """Every process that can be read, by pid. Threads are not told apart; kernel threads have no argv."""
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError, ValueError, IndexError, KeyError):
                found[int(folder.name)] = read(int(folder.name))
    return found


def read(pid: int) -> Process:
    """One process; raises OSError when it is gone. proc(5)."""
    folder = PROC / str(pid)
    fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    status = dict(
        line.split(":", 1) for line in (folder / "status").read_text(errors="replace").splitlines() if ":" in line
    )
    argv = (folder / "cmdline").read_text(errors="replace").split("\0")[:-1]
    if fields[0] == "Z":
        raise ProcessLookupError(pid)
    return Process(
        pid=pid,
        parent=int(fields[1]),
        start=int(fields[19]),
        net=(folder / "ns/net").stat().st_ino,
        inner_pid=int(status["NSpid"].split()[-1]),
        argv=tuple(argv),
    )


@frozen
class MachineProcesses:
    """What runs of one machine: its keeper, its container manager, its PID 1. Whole when all three are there."""

    keeper: Process | None = None
    manager: Process | None = None
    leader: Process | None = None

    @property
    def whole(self) -> bool:
        """Running, with somebody to take care of its reboots."""
        return self.keeper is not None and self.leader is not None


def container(site: str, node: str) -> str:
    """The name of a machine's container, cgroup and unit. Neither part can hold the dot, so labs never mix."""
    return f"wc-{site}.{node}"


def machine(site: str, node: str, among: dict[int, Process]) -> MachineProcesses:
    """The processes of one machine, out of `processes()`."""
    flag = f"--machine={container(site, node)}"
    keeper = next((each for each in among.values() if each.argv[2:5] == (KEEPER, site, node)), None)
    # By the first word too: the shells around it have the same words in their command lines.
    managers = {
        each.pid: each
        for each in among.values()
        if flag in each.argv and Path(each.argv[0]).name == "systemd-nspawn" and each.inner_pid != 1
    }
    # While it starts, it has children that look like it.
    manager = next((each for each in managers.values() if each.parent not in managers), None)
    leader = None
    if manager is not None:
        leader = next((each for each in among.values() if each.parent == manager.pid and each.inner_pid == 1), None)
    return MachineProcesses(keeper, manager, leader)


def members(site: str) -> tuple[Process, ...]:
    """All processes of a lab, except this one."""
    inodes = {kernel.inode(name) for name in kernel.namespaces(site)} - {None}
    found = []
    for process in processes().values():
        keeper = process.argv[2:4] == (KEEPER, site)
        manager = any(word.startswith(f"--machine={container(site, '')}") for word in process.argv)
        if (keeper or manager or process.net in inodes) and process.pid != os.getpid():
            found.append(process)
    return tuple(found)


def alive(process: Process) -> bool:
    """Whether it still is that process."""
    with suppress(OSError, ValueError, IndexError, KeyError):
        return read(process.pid).start == process.start
    return False


def end(victims: Iterable[Process], number: signal.Signals = signal.SIGKILL) -> None:
    """Signals processes, never another that got the number meanwhile, and waits until they are gone (10 s at most)."""
    handles = []
    for victim in victims:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(victim.pid)
            if alive(victim):
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
                handles.append(handle)
            else:
                os.close(handle)
    wait(handles, 10.0)


def gone(process: Process | None, seconds: float) -> bool:
    """Waits until a process has ended; says whether it did."""
    if process is None or not alive(process):
        return True
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    return wait([handle], seconds)


def wait(handles: list[int], seconds: float) -> bool:
    """Waits for pidfds (each readable once its process has ended) and closes them; says whether all did."""
    poller = select.poll()
    for handle in handles:
        poller.register(handle, select.POLLIN)
    open_handles = set(handles)
    while open_handles:
        ready = poller.poll(seconds * 1000)
        if not ready:
            break
        for handle, _ in ready:
            poller.unregister(handle)
            os.close(handle)
            open_handles.discard(handle)
    for handle in open_handles:
        os.close(handle)
    return not open_handles
