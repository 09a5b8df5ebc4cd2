"""The lab: a site's hosts, wires and surroundings on this computer. `deploy` gets addresses and SSH, nothing more.

What exists is read from the kernel (namespaces, processes, routes), never from records; so `up` finishes what a killed
`up` began, and `down` cleans up also when the state folder is gone. Between commands a lab consists of

- namespaces `wc-<site>-{wires,router,office,admin,node-<name>}` (see `wiring`),
- per machine a keeper and its container (see `keeper`), and an NTP server (see `timeserver`),
- unreachable routes on the host (see `guard`), set first and removed last,
- `/var/lib/wallcloud/lab/<site>` (disks) and `<state>/lab` (keys, ssh_config).
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from wallcloud.build import root
from wallcloud.build.cache import Cache
from wallcloud.build.tools import prerequisites
from wallcloud.errors import WallcloudError
from wallcloud.lab import daemon, disk, greeting, guard, kernel, network, processes, timeserver
from wallcloud.lab.machine import Box
from wallcloud.lab.processes import Process, container
from wallcloud.lab.reach import FOLDER, Reach
from wallcloud.lab.status import PlaceStatus, Status, machine_status
from wallcloud.lab.wiring import ADMIN, Machine, Place, namespace
from wallcloud.progress import Progress, step
from wallcloud.site.addresses import AddressPlan, plan
from wallcloud.site.load import Loaded
from wallcloud.site.model import Site

_LOCKS = Path("/run")
_PROGRAMS = ("ethtool", "ip", "mount", "nsenter", "setpriv", "ssh", "ssh-keygen", "systemd-nspawn", "unshare")


class Lab(Reach):
    """One site's lab. `state` is the site's state folder; the lab's part of it is `<state>/lab`."""

    def __init__(self, site: Site, addresses: AddressPlan, state: Path, cache: Cache | None = None) -> None:
        super().__init__(site, addresses, state)
        self._cache = cache

    @classmethod
    def of(cls, loaded: Loaded, cache: Cache | None = None) -> Self:
        """The lab of a site file."""
        return cls(loaded.site, plan(loaded.site), loaded.state, cache)

    # -- the whole

    def up(self, progress: Progress) -> None:
        """Makes what lacks. A machine that runs and is wired as the site says is left alone; one that died is started
        again with its disk; one that the site no longer has goes, with its disk. Raises WallcloudError."""
        _root_only("make a lab")
        if self.site.ssh.user != "root":
            raise WallcloudError(
                f"the lab's machines have no account {self.site.ssh.user}", where="lab", hint="ssh: {user: root}"
            )
        prerequisites(_PROGRAMS, progress)
        cache = self._cache or Cache()
        base, outside = root.build(cache, progress), root.build_outside(cache, progress)
        with self._alone(progress):
            guard.raise_wall(self.wiring.prefixes, self.wiring.metric)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._remove_strangers(progress)
            kernel.make_loops()
            with step(progress, "wires"):
                network.make_wires(self.wiring)
                network.check_vlans(self.wiring)
                for place in self.wiring.places:
                    self._make_place(place)
                timeserver.ensure(self.wiring, outside, self.folder / "time.log")
            self._start(self.wiring.machines, base, progress)
            self._write_door()

    def down(self, progress: Progress) -> None:
        """Removes everything but the cache: processes, mounts, namespaces, files, and at last the host's routes."""
        _root_only("remove a lab")
        with self._alone(progress, last=True), step(progress, "lab down"):
            self._end_everything()
            wires = network.wires_namespace(self.site.name)
            if kernel.inode(wires) is not None:
                # Both ends of every veth at once, and not whenever the kernel gets to it.
                network.unplug(wires, [device for device in kernel.links(wires) if device != "lo"])
            for name in kernel.namespaces(self.site.name):
                kernel.delete_namespace(name)
            kernel.tidy_netns()
            for group in list(kernel.cgroups(container(self.site.name, ""))):
                kernel.remove_cgroup(group)
            disk.remove(self.folder)
            disk.remove(self.door.folder)
            for folder in (FOLDER, FOLDER.parent, self.door.folder.parent):
                with suppress(OSError):
                    folder.rmdir()  # only if nothing else is in it
            guard.lower_wall(self.wiring.metric)

    def status(self) -> Status:
        """What there is, at this moment."""
        _root_only("look into a lab")
        among = processes.processes()
        machines = tuple(machine_status(self.box(machine.name), among) for machine in self.wiring.machines)
        places = tuple(
            PlaceStatus(
                name=place.name,
                up=kernel.wired(place.namespace) == place.digest,
                addresses=tuple(str(address) for leg in place.legs for address in leg.addresses),
                processes=sum(each.net == kernel.inode(place.namespace) for each in among.values()),
            )
            for place in self.wiring.places
        )
        wires = network.wires_namespace(self.site.name)
        there = kernel.links(wires) if kernel.inode(wires) is not None else {}
        plugged = {
            wire.name: tuple(sorted(name for name, link in there.items() if link.get("master") == wire.device))
            for wire in self.wiring.wires
            if wire.device in there
        }
        walled = set(self.wiring.prefixes) <= set(guard.ours(self.wiring.metric))
        return Status(self.site.name, machines, places, plugged, walled)

    # -- one machine

    def kill(self, node: str, progress: Progress) -> None:
        """Cuts a machine's power: SIGKILL to its PID 1. Its disk stays."""
        _root_only("cut a machine's power")
        box = self.box(node)
        with self._alone(progress):
            box.cut_power()

    def start(self, node: str, progress: Progress) -> None:
        """Switches a machine on that is off; the lab must be up."""
        _root_only("start a machine")
        machine = self.wiring.machine(node)
        self.place(ADMIN)
        base = root.build(self._cache or Cache(), progress)
        with self._alone(progress):
            self._start((machine,), base, progress)

    def restart(self, node: str, progress: Progress) -> None:
        """A hard power cycle: `kill`, then `start`."""
        self.kill(node, progress)
        self.start(node, progress)

    # -- inside

    def _make_place(self, place: Place) -> None:
        if kernel.wired(place.namespace) != place.digest:
            inode = kernel.inode(place.namespace)
            if inode is not None:
                processes.end(each for each in processes.processes().values() if each.net == inode)
            network.make_place(self.wiring, place)
        folder = self.folder / "places" / place.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts").write_text(place.hosts)
        (folder / "resolv.conf").write_text("")
        # Modules like `resolve` would have a daemon of the host ask, on the host's network.
        (folder / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\nservices: files\n")

    def _start(self, machines: Sequence[Machine], base: Path, progress: Progress) -> None:
        key = self.door.public_key()
        among = processes.processes()
        errors: list[WallcloudError] = []
        interrupted = threading.Event()

        def one(machine: Machine) -> None:
            try:
                self._start_one(self.box(machine.name), among, base, key, progress, interrupted)
            except WallcloudError as error:
                errors.append(error)

        with ThreadPoolExecutor(max_workers=8) as pool:
            try:
                list(pool.map(one, machines))
            except BaseException:
                interrupted.set()  # the pool waits for its threads
                raise
        if len(errors) == 1:
            raise errors[0]
        if errors:
            lines = tuple(line for error in errors for line in (error.what, *(f"  {each}" for each in error.output)))
            raise WallcloudError(
                f"{len(errors)} machines did not start", where="lab", output=lines, hint=errors[0].hint
            )

    def _start_one(
        self,
        box: Box,
        among: dict[int, Process],
        base: Path,
        key: str,
        progress: Progress,
        interrupted: threading.Event,
    ) -> None:
        found = box.running(among)
        if box.fits(found) and box.booted(found):
            disk.authorize(Path(f"/proc/{found.leader.pid}/root") if found.leader else box.paths.upper, key)
            return
        with step(progress, f"machine {box.name}"):
            if not (box.fits(found) and self._gets_there(box, interrupted)):
                box.cut_power()
                disk.make(box.paths, box.name, base, self.site.ssh.port)
                with box.listen() as hearing:
                    box.start(key)
                    box.wait_booted(hearing, interrupted)
            address = box.machine.address.ip
            admin = kernel.NETNS / self.wiring.place(ADMIN).namespace
            greeting.expect(box.name, admin, address, self.site.ssh.port)

    def _gets_there(self, box: Box, interrupted: threading.Event) -> bool:
        """Whether a machine that is under way boots. One that was killed a moment ago looks the same, and goes off."""
        try:
            with box.listen() as hearing:
                box.wait_booted(hearing, interrupted)
        except WallcloudError:
            if box.running().keeper is None:
                return False
            raise
        return True

    def _remove_strangers(self, progress: Progress) -> None:
        """Ends machines that are there but not in the site."""
        wanted = {machine.namespace for machine in self.wiring.machines}
        prefix = namespace(self.site.name, "node-")
        for name in kernel.namespaces(self.site.name):
            if name.startswith(prefix) and name not in wanted:
                node = name.removeprefix(prefix)
                with step(progress, f"remove machine {node}, which the site has no more"):
                    found = processes.machine(self.site.name, node, processes.processes())
                    inode = kernel.inode(name)
                    processes.end(filter(None, (found.keeper, found.manager, found.leader)))
                    processes.end(each for each in processes.processes().values() if inode and each.net == inode)
                    kernel.delete_namespace(name)
                    disk.remove(self.folder / node)

    def _end_everything(self) -> None:
        boxes = [self.box(machine.name) for machine in self.wiring.machines]
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(Box.cut_power, boxes))
        # Whoever is left: strangers, what users run at places. Nobody survives SIGKILL, so this ends.
        while victims := processes.members(self.site.name):
            processes.end(victims)
        daemon.forget(f"{container(self.site.name, '*')}.service")
        for machine in kernel.propagated(container(self.site.name, "")):
            machine.rmdir()

    def _write_door(self) -> None:
        hosts = {}
        for machine in self.wiring.machines:
            box = self.box(machine.name)
            hosts[machine.name] = (machine.address.ip, disk.host_key(box.paths), self.site.nodes[machine.name].ssh)
        admin = kernel.NETNS / self.wiring.place(ADMIN).namespace
        self.door.write(hosts, admin, self.site.ssh.user, self.site.ssh.port)

    @contextmanager
    def _alone(self, progress: Progress, last: bool = False) -> Iterator[None]:
        """One command at a time changes a lab; others wait. `last` removes the lock's file with the lab."""
        path = _LOCKS / f"wallcloud-lab-{self.site.name}.lock"
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with step(progress, "waits for another lab command"):
                    fcntl.flock(handle, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(handle).st_ino:
                    break
            os.close(handle)  # it was removed while we waited: a lock on it means nothing to newcomers
        try:
            yield
            if last:
                path.unlink()
        finally:
            os.close(handle)


def _root_only(what: str) -> None:
    if os.geteuid() != 0:
        raise WallcloudError(f"only root can {what}: it is made of namespaces", hint="run this command as root")
