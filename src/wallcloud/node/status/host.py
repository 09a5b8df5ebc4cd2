"""A node's own: units with their probes, certificates, disks, memory."""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from wallcloud.node import systemd, x509
from wallcloud.node.resource import ResourceFailed
from wallcloud.node.resources import Certificate, Unit
from wallcloud.node.resources.unit import probe
from wallcloud.node.status.asking import Asking, Question
from wallcloud.node.status.model import CertificateHealth, Disk, Life, UnitHealth


class Units:
    """All units of a spec: systemd is asked at once, then those that run are asked themselves."""

    def __init__(self, units: Iterable[Unit], asking: Asking) -> None:
        self._units = tuple(unit for unit in units if "@." not in unit.unit)
        names = [unit.unit for unit in self._units]
        self._status = dict(zip(names, systemd.show(*names), strict=False))
        self._asking = asking
        self._asked: Mapping[str, Question] = {
            unit.unit: asking.begin(f"{unit.unit}'s probe", unit.component, partial(probe, unit.ready))
            for unit in self._units
            if unit.runs and unit.ready is not None and self._active(unit)
        }

    def _active(self, unit: Unit) -> bool:
        return self._of(unit).active == "active"

    def _of(self, unit: Unit) -> systemd.Status:
        return self._status.get(unit.unit) or systemd.Status(unit.unit)

    def run(self, component: str) -> bool:
        """Whether all of a component's units run that are to: only then does asking it start nothing."""
        its = [unit for unit in self._units if unit.component == component and unit.runs]
        return bool(its) and all(map(self._active, its))

    def health(self) -> tuple[UnitHealth, ...]:
        """Waits for the probes."""
        return tuple(self._health(unit) for unit in self._units)

    def _health(self, unit: Unit) -> UnitHealth:
        status = self._of(unit)
        answers, said = None, ""
        if question := self._asked.get(unit.unit):
            before = len(self._asking.silent)
            passed = self._asking.answer(question)
            if passed is None:
                answers, said = False, self._asking.silent.pop(before).why
            else:
                answers, lines = passed
                said = "" if answers else " ".join(lines[-1:])
        if status.load == "not-found":
            said = "there is no such unit"
        elif status.result not in {"", "success"}:
            said = said or status.result
        return UnitHealth(unit.component, unit.unit, unit.runs, status.active, status.sub, answers, said)


def certificate(one: Certificate) -> CertificateHealth:
    """What openssl tells of it."""
    try:
        found = x509.read(one.cert_path)
    except (ResourceFailed, KeyError, ValueError):
        found = None
    return CertificateHealth(one.name, Life(found.since, found.until) if found else None)


def disks(paths: Iterable[str]) -> tuple[Disk, ...]:
    """The file systems under `paths`, each once."""
    found: dict[int, Disk] = {}
    for path in sorted(paths, key=lambda path: (len(path), path)):
        try:
            device, room = Path(path).stat().st_dev, os.statvfs(path)
        except OSError:
            continue  # not made yet
        found.setdefault(device, Disk(path, room.f_blocks * room.f_frsize >> 20, room.f_bavail * room.f_frsize >> 20))
    return tuple(found.values())


def memory() -> tuple[int, int]:
    """(all, available) in MiB, as proc(5) tells them."""
    rows = (row.split() for row in Path("/proc/meminfo").read_text().splitlines())
    found = {row[0]: int(row[1]) // 1024 for row in rows}
    return found["MemTotal:"], found["MemAvailable:"]
