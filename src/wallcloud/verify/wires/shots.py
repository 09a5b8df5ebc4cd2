"""Every frame that is tried: for each wire of each node, from a hostile machine on that wire. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from ipaddress import IPv4Address
from typing import NamedTuple

from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind, Network
from wallcloud.verify.places import ROUTER
from wallcloud.verify.wires import frames

ANSWERED, SILENT = "answered", "silent"
SSH = 22
_FOREIGN = {"ipip": 4, "gre": 47, "esp": 50, "sctp": 132}
_LOCALHOST = IPv4Address("127.0.0.1")
_ALL_HOSTS = IPv4Address("224.0.0.1")
_NOBODY = IPv4Address(0)


class Ends(NamedTuple):
    """The MAC addresses of the hostile machine's card and of the target's, and what makes this frame unlike others."""

    source: bytes
    target: bytes
    token: bytes
    """Twelve bytes."""


class Made(NamedTuple):
    """A frame, what it is known by when it comes in, and what would go out because of it: all words of one of these."""

    frame: bytes
    came: bytes
    answers: tuple[tuple[bytes, ...], ...]


@frozen
class Shot:
    """One frame from `hostile` to `node` on the network `wire`."""

    what: str
    wire: str
    node: str
    card: str
    hostile: str
    expected: str
    why: str
    make: Callable[[Ends], Made]

    @property
    def id(self) -> str:
        """`wires/WIRE/NODE/WHAT`."""
        return f"wires/{self.wire}/{self.node}/{self.what}"


def shots(
    design: Design, outside: tuple[str, ...], live: Mapping[str, Collection[IPv4Address]] | None = None
) -> tuple[Shot, ...]:
    """All of a site; a wire on which nobody but the node could play the hostile machine has none.

    `live` are the addresses that each node really has: none answers to one that the design does not know.
    """
    site = design.site
    found: list[Shot] = []
    for node, its in site.nodes.items():
        for wire in its.interfaces:
            others = [each for each, other in site.nodes.items() if each != node and wire in other.interfaces]
            if site.networks[wire].gateway is not None and ROUTER in outside:
                others.append(ROUTER)
            if others:
                found += _Aimed(design, wire, node, others[0], (live or {}).get(node, ())).all()
    return tuple(found)


def card(design: Design, node: str, wire: str) -> str:
    """The device where frames of a wire come in: under a bridge, the card that is plugged into it."""
    return design.site.networks[wire].device(design.site.nodes[node].interfaces[wire])


def marker(ends: Ends) -> Made:
    """What comes last on a wire: no machine answers it."""
    return Made(frames.ethernet(ends.target, ends.source, frames.MARKER, ends.token), ends.token, ())


def to_all(ends: Ends, token: bytes) -> bytes:
    """A frame for every machine on the wire, which none answers."""
    return frames.ethernet(frames.BROADCAST, ends.source, frames.MARKER, token)


class _Aimed:
    """At one node from one wire."""

    def __init__(self, design: Design, wire: str, node: str, hostile: str, live: Collection[IPv4Address] = ()) -> None:
        self._design = design
        self._network = design.site.networks[wire]
        self._wire, self._node, self._hostile = wire, node, hostile
        self._own = design.plan.address(node, wire)
        self._others = {name: address for (each, name), address in design.plan.items() if each == node and name != wire}
        known = {self._own, *self._others.values()}
        self._unknown = tuple(sorted(address for address in set(live) - known if not address.is_loopback))
        self._stranger = stranger(design, self._network)
        admins = design.site.admin_prefixes[0]
        self._admin = IPv4Address(int(admins.broadcast_address) - 1)

    def all(self) -> Iterator[Shot]:
        """In the order in which they are sent."""
        yield from self._arp()
        if self._own is not None:
            yield from self._at_its_own(self._own)
        for name, address in self._others.items():
            yield from self._at_another(name, address)
        for address in self._unknown:
            why = f"the design does not give {address} to {self._node}"
            yield self._shot(f"arp-{address}-from-stranger", why, _arp(self._stranger, address))
            yield self._shot(f"echo-{address}-from-stranger", why, _echo(self._stranger, address))
        yield from self._at_any()
        yield from self._forwarding()
        yield from self._ipv6()

    def _shot(self, what: str, why: str, make: Callable[[Ends], Made], expected: str = SILENT) -> Shot:
        place = card(self._design, self._node, self._wire)
        return Shot(what, self._wire, self._node, place, self._hostile, expected, why, make)

    def _arp(self) -> Iterator[Shot]:
        wanted = {**({self._wire: self._own} if self._own else {}), **self._others}
        tunnels = self._network.kind is Kind.OVERLAY
        for name, address in wanted.items():
            own = name == self._wire
            for asking, sender in (("nobody", _NOBODY), ("stranger", self._stranger)):
                # br-overlay takes ARP from the overlay's addresses only.
                answers = own and not (tunnels and sender == _NOBODY)
                why = "its address on this wire" if own else f"its address on {name} is not on this wire"
                yield self._shot(
                    f"arp-{name}-from-{asking}", why, _arp(sender, address), ANSWERED if answers else SILENT
                )

    def _at_its_own(self, own: IPv4Address) -> Iterator[Shot]:
        admins = self._network.kind is Kind.MANAGEMENT
        yield self._shot(
            "echo-from-admins",
            "admins see whether the node is there" if admins else "admins come over management only",
            _echo(self._admin, own),
            ANSWERED if admins else SILENT,
        )
        yield self._shot("echo-from-stranger", "no flow begins there", _echo(self._stranger, own))
        source = self._admin if admins else self._stranger
        for name, number in _FOREIGN.items():
            yield self._shot(f"protocol-{name}", "no flow has this protocol", _foreign(source, own, number))
        yield self._shot(
            "source-route", "a packet does not choose its way", _echo(source, own, frames.loose_source_route(own))
        )
        yield self._shot("from-localhost", "127/8 is no address on a wire", _echo(_LOCALHOST, own))

    def _at_another(self, name: str, address: IPv4Address) -> Iterator[Shot]:
        why = f"its address on {name} is reached on {name} only"
        yield self._shot(f"echo-{name}-from-admins", why, _echo(self._admin, address))
        yield self._shot(f"tcp-{SSH}-{name}-from-admins", why, _syn(self._admin, address, SSH))
        yield self._shot(f"echo-{name}-from-stranger", why, _echo(self._stranger, address))

    def _at_any(self) -> Iterator[Shot]:
        yield self._shot("echo-localhost", "127/8 is no address on a wire", _echo(self._stranger, _LOCALHOST))
        yield self._shot("tcp-22-localhost", "127/8 is no address on a wire", _syn(self._stranger, _LOCALHOST, SSH))
        yield self._shot("echo-all-hosts", "no flow is for all", _echo(self._stranger, _ALL_HOSTS))
        yield self._shot(
            "echo-broadcast", "no flow is for all", _echo(self._stranger, self._network.cidr.broadcast_address)
        )

    def _forwarding(self) -> Iterator[Shot]:
        for name in self._design.site.nodes[self._node].interfaces:
            if name != self._wire and (beyond := _beyond(self._design, self._node, name)) is not None:
                yield self._shot(
                    f"forward-{name}",
                    f"no node forwards between {self._wire} and {name}",
                    _datagram(self._stranger, beyond),
                )

    def _ipv6(self) -> Iterator[Shot]:
        why = "no node speaks IPv6, whatever cidr6 the site has"
        yield self._shot("ipv6-neighbour", why, _neighbour)
        yield self._shot("ipv6-all-nodes", why, _all_nodes)


def stranger(design: Design, network: Network) -> IPv4Address:
    """An address of the network's that nobody has, nor will get."""
    taken = {address for _, address in design.plan.items()} | {network.gateway}
    for number in range(int(network.cidr.broadcast_address) - 1, int(network.cidr.network_address), -1):
        address = IPv4Address(number)
        if address not in taken and not (network.pool and network.pool.first <= address <= network.pool.last):
            return address
    return IPv4Address(int(network.cidr.broadcast_address) - 1)


def _beyond(design: Design, node: str, name: str) -> IPv4Address | None:
    """Who is there on another network of the node's: its router, or another node."""
    others = (address for (each, where), address in design.plan.items() if where == name and each != node)
    return design.site.networks[name].gateway or next(others, None)


def _arp(address: IPv4Address, wanted: IPv4Address) -> Callable[[Ends], Made]:
    def make(ends: Ends) -> Made:
        # Not the card's own: whoever learns something from the question learns nothing that is used.
        sender = b"\x02" + ends.token[:5]
        frame = frames.arp(ends.source, sender, address, wanted)
        return Made(frame, sender, ((frames.arp_answer(sender, address, wanted),),))

    return make


def _echo(source: IPv4Address, to: IPv4Address, options: bytes = b"") -> Callable[[Ends], Made]:
    def make(ends: Ends) -> Made:
        packet = frames.ipv4(source, to, 1, frames.echo(ends.token), options)
        return Made(frames.packet(ends.target, ends.source, packet), ends.token, ((ends.token,),))

    return make


def _foreign(source: IPv4Address, to: IPv4Address, protocol: int) -> Callable[[Ends], Made]:
    def make(ends: Ends) -> Made:
        packet = frames.ipv4(source, to, protocol, ends.token)
        return Made(frames.packet(ends.target, ends.source, packet), ends.token, ((ends.token,),))

    return make


def _syn(source: IPv4Address, to: IPv4Address, port: int) -> Callable[[Ends], Made]:
    def make(ends: Ends) -> Made:
        segment = frames.syn(source, to, port, ends.token)
        packet = frames.ipv4(source, to, 6, segment)
        return Made(
            frames.packet(ends.target, ends.source, packet), segment[:8], (frames.syn_answer(port, ends.token),)
        )

    return make


def _datagram(source: IPv4Address, to: IPv4Address) -> Callable[[Ends], Made]:
    def make(ends: Ends) -> Made:
        packet = frames.ipv4(source, to, 17, frames.datagram(frames.DISCARD, ends.token))
        return Made(frames.packet(ends.target, ends.source, packet), ends.token, ((ends.token,),))

    return make


def _neighbour(ends: Ends) -> Made:
    frame = frames.neighbour_solicitation(ends.source, ends.token, frames.link_local(ends.target))
    return Made(frame, frames.own_link_local(ends.token).packed, ((frames.own_link_local(ends.token).packed,),))


def _all_nodes(ends: Ends) -> Made:
    frame = frames.echo_to_all_nodes(ends.source, ends.token)
    return Made(frame, ends.token, ((frames.own_link_local(ends.token).packed,),))
