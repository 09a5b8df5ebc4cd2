"""What a node can tell before anything on it changes: its wires by packets, its sockets, its disks.

The deployer sends one order and hears `listening`; says `go` as soon as all nodes listen; and hears `preflight`.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.node import dpkg
from wallcloud.node.preflight import frames
from wallcloud.node.preflight.frames import Frame, Probe
from wallcloud.node.preflight.sockets import listening
from wallcloud.node.preflight.wires import Wire, carriers, lifted, listen
from wallcloud.node.session import Session

_ROUNDS = 3
"""How often each question is asked: a wire may lose a frame, and a wall must not be seen where one was lost."""
_SPACING = 0.2
"""Seconds between the rounds."""
_SETTLED = Path("/etc/wallcloud")


@frozen
class Leg:
    """An interface's stand on a network. `asked`: the addresses of which it asks who holds them."""

    number: int
    interface: str
    vlan: int | None
    mtu: int
    asked: tuple[IPv4Address, ...]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Leg":
        asked = tuple(map(IPv4Address, raw["asked"]))
        return cls(raw["number"], raw["interface"], raw["vlan"], raw["mtu"], asked)


def preflight(order: Mapping[str, Any], session: Session) -> bool:
    """Serves one order: `legs`, `token` (32 hexadecimal digits), `paths`, `seconds` to listen. False: no `go` came."""
    legs = tuple(map(Leg.of, order["legs"]))
    token = bytes.fromhex(order["token"])
    mtus: dict[str, int] = defaultdict(int)
    for leg in legs:
        mtus[leg.interface] = max(mtus[leg.interface], leg.mtu)
    with lifted(mtus), _opened(mtus) as wires:
        links = carriers(wires)
        session.emit("listening")
        request = session.request()
        if request is None or request.get("op") != "go":
            return False
        ears = _Ears(legs, token)
        refused = _exchange(legs, wires, token, ears, float(order["seconds"]))
    session.emit(
        "preflight",
        links=links,
        refused=refused,
        heard=sorted(ears.probes),
        holders=sorted(ears.holders),
        offers=sorted(ears.offers),
        sockets=listening(),
        free_mib={path: _free(Path(path)) for path in order["paths"]},
        apt=dpkg.lock_holder(),
        settled=_SETTLED.is_dir(),
    )
    return True


@contextmanager
def _opened(names: Iterable[str]) -> Iterator[dict[str, Wire]]:
    """A socket for each interface that there is."""
    with ExitStack() as end:
        wires: dict[str, Wire] = {}
        for name in names:
            if Path("/sys/class/net", name).exists():
                wires[name] = Wire(name)
                end.callback(wires[name].close)
        yield wires


def _exchange(
    legs: tuple[Leg, ...], wires: Mapping[str, Wire], token: bytes, ears: "_Ears", seconds: float
) -> dict[str, str]:
    """Asks everything in rounds and listens all the while; why a leg's largest frame could not even be sent."""
    refused: dict[str, str] = {}
    begun = time.monotonic()
    for number in range(_ROUNDS):
        for leg in legs:
            wire = wires.get(leg.interface)
            for frame in _questions(leg, wire.mac, token) if wire else ():
                why = wire.send(frame) if wire else ""
                if why:
                    refused[str(leg.number)] = why
        listen(wires.values(), begun + (number + 1) * _SPACING, ears.hear)
    listen(wires.values(), begun + seconds, ears.hear)
    return refused


def _questions(leg: Leg, mac: bytes, token: bytes) -> Iterator[bytes]:
    for size in (frames.SMALL, leg.mtu):
        yield frames.ethernet(mac, frames.PROBE, frames.probe(token, Probe(leg.number, size)), leg.vlan)
    for address in leg.asked:
        yield frames.ethernet(mac, frames.ARP, frames.who_has(mac, address), leg.vlan)
    yield frames.ethernet(mac, frames.IPV4, frames.discover(mac, token[:4]), leg.vlan)


class _Ears:
    """What was heard: on which leg of this node, and from whom."""

    def __init__(self, legs: tuple[Leg, ...], token: bytes) -> None:
        self._at = {(leg.interface, leg.vlan): leg for leg in legs}
        self._token = token
        self.probes: set[tuple[int, int, int]] = set()
        """(leg here, leg that sent it, bytes)"""
        self.holders: set[tuple[int, str, str]] = set()
        """(leg here, address, MAC)"""
        self.offers: set[tuple[int, str, str]] = set()
        """(leg here, DHCP server's address, MAC)"""

    def hear(self, wire: Wire, frame: Frame) -> None:
        leg = self._at.get((wire.name, frame.vlan))
        if leg is None:
            return  # another's VLAN on the same trunk
        if frame.ethertype == frames.PROBE:
            probe = frames.read_probe(self._token, frame.payload)
            if probe:
                self.probes.add((leg.number, probe.leg, probe.size))
        elif frame.ethertype == frames.ARP:
            held = frames.holder(frame.payload)
            if held and held[0] in leg.asked:
                self.holders.add((leg.number, str(held[0]), held[1].hex(":")))
        elif frame.ethertype == frames.IPV4:
            server = frames.offer(frame.payload, self._token[:4])
            if server:
                self.offers.add((leg.number, str(server), frame.source.hex(":")))


def _free(path: Path) -> int:
    """MiB free where `path` is, or will be."""
    while not path.exists():
        path = path.parent
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize >> 20
