"""The expectations: who tries what at whom, and what the design says of it. Pure.

Rows are each node as each of its accounts (and as nobody), each node as a hostile machine on its wires, and the places
outside, the router also through every node that it could use as a way. Columns are every address of every node,
loopback, and what lies outside. Each cell has the declared ports, those that are really open there, some that are
closed, over TCP and UDP, and an ICMP echo.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address

from wallcloud.catalog.component import KERNEL, ROOT, Account
from wallcloud.design.compile import Design
from wallcloud.design.firewall import nic
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind
from wallcloud.verify.reach.ways import Port, Ways, declared, ways

NOBODY = Account("nobody", 65534, foreign=True)
CLOSED_TCP, CLOSED_UDP = 4, 2
DELIVERED, KEPT, DROPPED = "delivered", "never left", "dropped"
"""Expected of a flow; of what its own node holds back; of what the target's wall holds back."""
INTERNET = IPv4Address("192.0.2.1")
"""Somewhere far away (RFC 5737): nodes have no way there, and need none."""
MOST_NODES = 12
"""Of a larger site each node tries all of control, api and network, and so many others, drawn by the seed."""
LOOPBACK = IPv4Address("127.0.0.1")


@frozen
class Shot:
    """One probe. `lands` is the node at whose interface it must be heard: the target's own, or the one on its way."""

    row: str
    column: str
    id: str
    sender: str
    """The node or place that sends."""
    how: str
    """`as` an account, what the kernel routes; `frame`, a hostile machine's."""
    uid: int
    mark: int
    source: str
    """Of a frame."""
    address: str
    protocol: str
    port: int
    network: str
    """The wire that it is on, or may be on; empty for loopback and outside."""
    lands: str
    expected: str
    outside: bool = False
    tunnel: bool = False
    """Taken by the switch, not by the node's own stack: that it arrives is all that can be heard."""

    @property
    def negative(self) -> bool:
        """Whether the design says that it must not be."""
        return self.expected != DELIVERED


@frozen
class Place:
    """Somewhere outside: `sources` by address that is asked, and ways (firewall mark, next hop) that a router has."""

    name: str
    sources: Mapping[str, str]
    ways: tuple[tuple[int, str], ...] = ()


@frozen
class Found:
    """What was found out before: ports really open on each node, and the places."""

    open: Mapping[str, tuple[Port, ...]]
    places: tuple[Place, ...]
    seed: int = 0


def accounts(design: Design, node: str) -> tuple[Account, ...]:
    """Every account that a component of the node has anything of, root and nobody: by number, without the kernel's."""
    found = {ROOT.uid: ROOT, NOBODY.uid: NOBODY}
    for name in design.components_of(node):
        component = design.catalog[name]
        of_calls = [call.account for call in component.calls if call.account]
        schemas = [database.schema_account for database in component.databases]
        for account in (component.account, *component.accounts, *schemas, *of_calls):
            found[account.uid] = account
    found.pop(KERNEL.uid, None)
    return tuple(found[uid] for uid in sorted(found))


def matrix(design: Design, found: Found) -> tuple[Shot, ...]:
    """Everything that is tried, each tuple once."""
    made = _Matrix(design, found)
    shots = [
        *(shot for node in design.site.nodes for shot in made.as_accounts(node)),
        *(shot for node in design.site.nodes for shot in made.hostile(node)),
        *made.from_outside(),
    ]
    return tuple(shots)


def from_outside(design: Design, found: Found) -> tuple[Shot, ...]:
    """What the places of `found` try."""
    return tuple(_Matrix(design, found).from_outside())


def as_accounts(design: Design, node: str) -> tuple[Shot, ...]:
    """What a node's accounts try, at declared ports and some closed ones."""
    return tuple(_Matrix(design, Found({}, ())).as_accounts(node))


class _Matrix:
    def __init__(self, design: Design, found: Found) -> None:
        self._design = design
        self._found = found
        self._ways: Ways = ways(design)
        self._declared = declared(design)
        chance = random.Random(found.seed)  # noqa: S311 - which closed ports, not a secret
        taken = {port for _, port in self._declared} | {port for ports in found.open.values() for _, port in ports}
        free = [port for port in range(1, 20000) if port not in taken]
        closed = chance.sample(free, CLOSED_TCP + CLOSED_UDP)
        self._closed: tuple[Port, ...] = (
            *(("tcp", port) for port in closed[:CLOSED_TCP]),
            *(("udp", port) for port in closed[CLOSED_TCP:]),
        )
        self._chance = chance

    def _ports(self, node: str) -> tuple[Port, ...]:
        return tuple(dict.fromkeys((*self._declared, *self._found.open.get(node, ()), *self._closed)))

    def _addresses(self, of: Iterable[str]) -> Iterator[tuple[str, str, IPv4Address]]:
        wanted = set(of)
        for (node, network), address in self._design.plan.items():
            if node in wanted:
                yield node, network, address

    def _seen_by(self, node: str) -> tuple[str, ...]:
        nodes = self._design.site.nodes
        if len(nodes) <= MOST_NODES:
            return tuple(nodes)
        few = [name for name, it in nodes.items() if {role.value for role in it.roles} != {"compute"} or name == node]
        others = [name for name in nodes if name not in few]
        return (*few, *self._chance.sample(others, min(len(others), MOST_NODES)))

    def as_accounts(self, node: str) -> Iterator[Shot]:
        site = self._design.site
        others = tuple(self._addresses(self._seen_by(node)))
        servers = [(str(server), server) for server in site.time.servers]
        for account in accounts(self._design, node):
            row = f"{node} as {account.name}"
            for column, lands, network, address, ports in (
                *(_cell(other, network, address, self._ports(other)) for other, network, address in others),
                (f"{node} on loopback", node, "", LOOPBACK, self._ports(node)),
                *((f"time server {name}", "", "", address, self._declared) for name, address in servers),
                ("the internet", "", "", INTERNET, (*self._declared, *self._closed)),
            ):
                for port in ports:
                    leaves = self._ways.leaves(node, account.uid, address, port)
                    yield Shot(
                        row,
                        column,
                        _id(f"{node}:{account.name}", column, port),
                        node,
                        "as",
                        account.uid,
                        0,
                        "",
                        str(address),
                        *port,
                        "" if lands == node else network,
                        lands,
                        DELIVERED if leaves else KEPT,
                        outside=not lands,
                        tunnel=leaves and self._is_tunnel(network),
                    )

    def _is_tunnel(self, network: str) -> bool:
        return bool(network) and self._design.site.networks[network].kind is Kind.OVERLAY

    def hostile(self, node: str) -> Iterator[Shot]:
        """From each wire on which the node has an address, at the others there, under its own address."""
        plan = self._design.plan
        for other, network, address in self._addresses(self._seen_by(node)):
            source = plan.address(node, network)
            if other == node or source is None:
                continue
            for port in self._ports(other):
                enters = self._ways.enters(other, network, source, address, port)
                column = f"{other} on {network}"
                yield Shot(
                    f"{node} as a hostile machine",
                    column,
                    _id(f"{node}:hostile", column, port),
                    node,
                    "frame",
                    -1,
                    0,
                    str(source),
                    str(address),
                    *port,
                    network,
                    other,
                    DELIVERED if enters else DROPPED,
                    tunnel=enters and self._is_tunnel(network),
                )

    def from_outside(self) -> Iterator[Shot]:
        """Of every place."""
        for place in self._found.places:
            yield from self.outside(place)
            yield from self.through(place)

    def outside(self, place: Place) -> Iterator[Shot]:
        """A place holds routes to everything; what is on no wire of the router's comes by some node."""
        for node, network, address in self._addresses(self._design.site.nodes):
            source = place.sources.get(str(address))
            if source is None:
                continue
            routed = self._design.site.networks[network].gateway is not None
            for port in self._ports(node):
                enters = routed and self._ways.enters(node, network, IPv4Address(source), address, port)
                column = f"{node} on {network}"
                yield Shot(
                    place.name,
                    column,
                    _id(place.name, column, port),
                    place.name,
                    "as",
                    0,
                    0,
                    source,
                    str(address),
                    *port,
                    network if routed else "",
                    node if routed else "",
                    DELIVERED if enters else DROPPED,
                )

    def through(self, place: Place) -> Iterator[Shot]:
        """At each address that is on another network than the way's: no node forwards, and none answers for it."""
        hops = {str(address): at for at, address in self._design.plan.items()}
        some = (("icmp", 0), ("tcp", 22), ("tcp", 443), ("tcp", self._closed[0][1]), ("udp", 4789))
        for mark, hop in place.ways:
            if hop not in hops:
                continue
            way, network = hops[hop]
            for node, other, address in self._addresses(self._design.site.nodes):
                if other == network:
                    continue
                for port in some:
                    column = f"{node} on {other}"
                    yield Shot(
                        f"{place.name} through {way} on {network}",
                        column,
                        _id(f"{place.name}>{way}:{network}", column, port),
                        place.name,
                        "as",
                        0,
                        mark,
                        "",
                        str(address),
                        *port,
                        network,
                        way,
                        DROPPED,
                    )


def _cell(
    node: str, network: str, address: IPv4Address, ports: tuple[Port, ...]
) -> tuple[str, str, str, IPv4Address, tuple[Port, ...]]:
    return f"{node} on {network}", node, network, address, ports


def _id(source: str, column: str, port: Port) -> str:
    target = column.replace(" on ", ":").replace(" ", "-")
    return f"reach/{source}/{target}/{port[0]}" + (f"-{port[1]}" if port[1] else "")


def interfaces(design: Design, node: str) -> dict[str, frozenset[str]]:
    """Network → the node's interfaces on its wire: the card or VLAN, and the bridge that has the address."""
    site = design.site
    return {
        network: frozenset({site.networks[network].device(card), nic(site, node, network), card})
        for network, card in site.nodes[node].interfaces.items()
    }
