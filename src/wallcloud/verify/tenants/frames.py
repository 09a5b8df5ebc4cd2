"""Frames that guests are told to send, forged and honest, and on which wires of which nodes each was heard.

Every carrying node listens on all its interfaces. A frame that was heard on the sender's tap was sent; one that was
heard anywhere else left. Forged frames go first and honest ones after them on the same way: when the last honest one
has been heard, a forged one would have been, too.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.verify.hands import Trouble, at_once
from wallcloud.verify.tenants.scenario import Guest
from wallcloud.verify.tenants.world import World

HEARD_SECONDS, LATE_SECONDS = 3.0, 12.0
MARKER = "udp"
_NAME = "frames"
_EVERYBODY = "255.255.255.255"
_FLOOD = "to=ff:ff:ff:ff:ff:ff"
# Locally administered, and nobody's.
_STRANGE_MAC = "02:00:5e:ba:d0:01"


@frozen
class Sort:
    """A sort of frame: `line` is filled with tag, own and router (addresses), and to (a MAC)."""

    name: str
    line: str
    forged: bool
    what: str
    tagged: bool = True
    claims: str = ""
    """ARP has no room for a tag: it is found by the sender's MAC and the address that it claims (own or router)."""


SORTS = (
    Sort("mac", f"send udp {_EVERYBODY} mac={_STRANGE_MAC} {_FLOOD} tag={{tag}}", True, "a foreign MAC as source"),
    Sort(
        "source",
        f"send udp {_EVERYBODY} source={{router}} {_FLOOD} tag={{tag}}",
        True,
        "the router's address as source",
    ),
    Sort(
        "arp-claim", "send arp {router} op=reply to={to}", True, "ARP that claims the router's address", False, "router"
    ),
    Sort("dhcp-offer", "send dhcp-offer offer={own} tag={tag}", True, "a DHCP server's answer"),
    Sort("ra", "send ra tag={tag}", True, "a router advertisement (IPv6)"),
    Sort("rs", "send rs tag={tag}", False, "a router solicitation (IPv6)"),
    Sort("dhcp-discover", "send dhcp-discover tag={tag}", False, "a DHCP client's question"),
    Sort("arp", "send arp {own} op=reply to={to}", False, "ARP that tells its own address", False, "own"),
    Sort(MARKER, f"send udp {_EVERYBODY} {_FLOOD} tag={{tag}}", False, "a broadcast of its own"),
)
"""In the order in which they are sent: forged ones first."""


@dataclass
class Record:
    """Where each frame was heard: (guest, sort) → {(node, interface)}."""

    places: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    """Frames that each node heard at all."""
    trouble: dict[str, str] = field(default_factory=dict)
    """Guests or nodes that did not do what they were told, with why."""

    def heard(self, guest: Guest, sort: str) -> set[tuple[str, str]]:
        """Raises Trouble where it was never tried."""
        if guest.name in self.trouble:
            raise Trouble(self.trouble[guest.name], where=guest.name)
        deaf = {node: why for node, why in self.trouble.items() if node in self.totals}
        if deaf:
            raise Trouble(str(deaf))
        if (guest.name, sort) not in self.places:
            raise Trouble("it was never sent", where=guest.name)
        return self.places[guest.name, sort]


def senders(world: World) -> tuple[Guest, ...]:
    """Guests that send: one of each network."""
    return tuple(guest for guest in world.scenario.guests if guest.floating or guest.flat)


def record(world: World) -> Record:
    """Listens, has everything sent, and says what was heard where. Raises nothing: what fails is in the record."""
    found = Record()
    patterns: dict[str, dict[str, str]] = {}
    lines: dict[str, list[str]] = {}
    for guest in senders(world):
        try:
            patterns |= _patterns(world, guest, lines.setdefault(guest.name, []))
        except Trouble as error:
            found.trouble[guest.name] = error.what
    watched = {node: world.nodes[node] for node in world.scenario.watched}
    found.totals = dict.fromkeys(watched, 0)
    _each(watched, lambda node: watched[node].call("sniff", name=_NAME, patterns=patterns), found)
    sending = [guest for guest in senders(world) if guest.name not in found.trouble]

    def send(name: str) -> None:
        for line in lines[name]:
            told = world.ask(world.guest(name), line)
            if not told["ok"]:
                raise Trouble(f"{line.split(' tag=')[0]}: {told.get('error')}")

    _each([guest.name for guest in sending], send, found)

    heard: set[str] = set()
    honest = {
        f"{guest.name} {sort.name}": world.of(guest).tap(guest)
        for guest in sending
        for sort in SORTS
        if guest.name not in found.trouble and not sort.forged
    }

    def wait(node: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for pattern, tap in list(honest.items()):
            left = max(0.0, deadline - time.monotonic())
            if watched[node].call("sniff_wait", name=_NAME, pattern=pattern, but=tap, seconds=left):
                heard.add(pattern)

    def end(node: str) -> None:
        told: dict[str, Any] = watched[node].call("sniff_end", name=_NAME)
        found.totals[node] = told["total"]
        for name, interfaces in told["heard"].items():
            guest_name, _, sort_name = name.partition(" ")
            places = found.places.setdefault((guest_name, sort_name), set())
            places |= {(node, interface) for interface in interfaces}

    # Nobody is ended before all have heard what they will hear: a node that carries the network all of it, and each
    # frame somebody.
    listening = [node for node in watched if node not in found.trouble]
    _each(listening, partial(wait, seconds=HEARD_SECONDS), found)
    for pattern in heard:
        honest.pop(pattern, None)
    if honest:
        _each(listening, partial(wait, seconds=LATE_SECONDS), found)
    _each(listening, end, found)
    return found


def _patterns(world: World, guest: Guest, lines: list[str]) -> dict[str, dict[str, str]]:
    things = world.of(guest)
    own = things.address(guest)
    mac = str(things.ports[guest.name]["mac_address"])
    router = world.scenario.gateways.get(guest.flat) if guest.flat else str(things.subnet["gateway_ip"])
    known = {"own": own, "router": router or own, "to": _listener(world, guest)}
    found = {}
    for sort in SORTS:
        tag = f"wc{secrets.token_hex(8)}"
        lines.append(sort.line.format(tag=tag, **known))
        if sort.tagged:
            # The order itself crosses these wires, too.
            pattern = {"bytes": tag.encode().hex(), "unless": f"tag={tag}".encode().hex()}
        else:
            pattern = {"bytes": mac.replace(":", "") + IPv4Address(known[sort.claims]).packed.hex()}
        found[f"{guest.name} {sort.name}"] = pattern
    return found


def _listener(world: World, guest: Guest) -> str:
    """Who is told by ARP. On a private network the neighbour itself: Neutron's bridges answer broadcast ARP for
    addresses that they know, whatever it says, so that it would not leave even where nothing stops it."""
    for other in world.scenario.tenant(guest.tenant).private:
        if other != guest and not guest.flat and other.name in world.of(guest).ports:
            return str(world.of(guest).ports[other.name]["mac_address"])
    return _FLOOD.removeprefix("to=")


def _each(names: Iterable[str], act: Callable[[str], object], found: Record) -> None:
    """Does it for all at once; who fails is noted."""

    def one(name: str) -> None:
        try:
            act(name)
        except Trouble as error:
            found.trouble[name] = error.what

    at_once(names, one)
