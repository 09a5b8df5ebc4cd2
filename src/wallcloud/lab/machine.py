"""One machine: whether it runs, starting it, waiting until it is booted, cutting its power."""

import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.lab import daemon, disk, keeper, kernel, network, processes
from wallcloud.lab.hearing import Hearing
from wallcloud.lab.keeper import Paths
from wallcloud.lab.processes import MachineProcesses, container
from wallcloud.lab.wiring import Machine

BOOT_SECONDS = 120.0
_LOOK_SECONDS = 2.0
_OFF_SECONDS = 10.0
_LAST_LINES = 20


@frozen
class Box:
    """A machine of a lab with its folder."""

    site: str
    machine: Machine
    paths: Paths
    port: int = 22

    @property
    def name(self) -> str:
        """The node's name."""
        return self.machine.name

    def running(self, among: dict[int, processes.Process] | None = None) -> MachineProcesses:
        """Its processes, out of those given or of all."""
        return processes.machine(self.site, self.name, processes.processes() if among is None else among)

    def fits(self, found: MachineProcesses) -> bool:
        """Whether it runs and is wired as the site says. Between two boots of a reboot it counts as running."""
        if found.keeper is None:
            return False
        if found.manager is None:  # wiring itself, or just gone: what matters is what it will be wired with
            return processes.alive(found.keeper) and self._script_fits()
        return found.leader is not None and kernel.wired(self.machine.namespace) == self.machine.digest

    def _script_fits(self) -> bool:
        with suppress(OSError):
            return kernel.mark(self.machine.digest) in self.paths.script.read_text()
        return False

    def start(self, operator_key: str) -> None:
        """Switches it on. It must be off and have a disk."""
        disk.authorize(self.paths.upper, operator_key)
        disk.address(self.paths.upper, network.address_commands(self.machine))
        own = not kernel.systemd()
        below = Path(self.paths.base.read_text().strip())
        wires = network.wires_namespace(self.site)
        text = keeper.script(self.site, wires, self.machine, self.paths, below, own)
        self.paths.script.write_text(text)
        daemon.start(
            container(self.site, self.name), keeper.command(self.site, self.name, self.paths), self.paths.console
        )

    def listen(self) -> Hearing:
        """Hears when the machine is booted. To be called before it is started or looked at."""
        return Hearing(self.paths.notify)

    def wait_booted(self, hearing: Hearing, interrupted: threading.Event) -> None:
        """Waits for READY=1, which systemd says once its default target is reached; one that is booted said it before.

        Raises WallcloudError with the console's last lines when the machine goes off meanwhile or takes too long.
        """
        deadline = time.monotonic() + BOOT_SECONDS
        while not self.booted(found := self.running()):
            if time.monotonic() > deadline:
                raise self._failed(f"did not boot within {BOOT_SECONDS:.0f} s")
            if found.keeper is None:
                raise self._failed("went off while it booted")
            # A silent machine is looked at again, in case its keeper died.
            if interrupted.is_set() or hearing.ready.wait(_LOOK_SECONDS):
                return

    def booted(self, found: MachineProcesses) -> bool:
        """Whether its systemd says that it has finished starting up."""
        return self.state(found) in {"running", "degraded"}

    def state(self, found: MachineProcesses) -> str:
        """What its systemd says of itself (systemctl is-system-running), or `off`."""
        leader = found.leader
        if leader is None:
            return "off"
        argv = self.inside(leader.pid, "systemctl", "is-system-running")
        ran = subprocess.run(argv, capture_output=True, text=True, check=False)
        return ran.stdout.strip() or "starting"

    @staticmethod
    def inside(leader: int, *argv: str) -> list[str]:
        """An argument list for `argv` in the machine whose PID 1 is `leader`, with no more capabilities than that."""
        lacking = ",".join(f"-{name.lower()}" for name in keeper.DROPPED)
        without = ("setpriv", f"--bounding-set={lacking}", "--inh-caps=-all", "--")
        return [*without, "nsenter", f"--target={leader}", "--all", "--", *argv]

    def cut_power(self) -> None:
        """Kills it as a power cut does: at once, nothing is told. Its disk stays."""
        found = self.running()
        processes.end(filter(None, (found.leader,)))
        # The manager sees that its machine is gone, tidies up after itself, and the keeper pulls the plugs.
        for each in (found.manager, found.keeper):
            if not processes.gone(each, _OFF_SECONDS) and each is not None:
                processes.end((each,))
        # Whoever is left inside belongs to nobody now.
        inode = kernel.inode(self.machine.namespace)
        if inode is not None:
            processes.end(each for each in processes.processes().values() if each.net == inode)
        network.unplug(network.wires_namespace(self.site), (nic.port for nic in self.machine.nics))

    def _failed(self, what: str) -> WallcloudError:
        last: tuple[str, ...] = ()
        with suppress(OSError):
            last = tuple(self.paths.console.read_text(errors="replace").splitlines()[-_LAST_LINES:])
        return WallcloudError(
            f"{self.name} {what}", where="lab", hint=f"its console: {self.paths.console}", output=last
        )
