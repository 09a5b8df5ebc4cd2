"""What VMs reach of the nodes: packets that guests send as they stand, and the ears of every node.

A guest is told frames with its own addresses, for its router: port security lets them out, and routers, real and
virtual, take them on. Behind a router's translation a packet is still known by its number.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.verify.hands import Hands, Trouble, at_once
from wallcloud.verify.reach.far import packets
from wallcloud.verify.reach.judging import Heard, gather
from wallcloud.verify.reach.programs import PROTOCOLS
from wallcloud.verify.reach.ways import Port, declared, ways
from wallcloud.verify.tenants.scenario import Guest, Scenario
from wallcloud.verify.tenants.world import World

CLOSED: tuple[Port, ...] = (("tcp", 9), ("udp", 9))
LAST_SECONDS = 5.0
_ETHERNET_IP = "0800"


@frozen
class Aim:
    """A guest's packet to an address of a node, and whether the design lets it in."""

    guest: Guest
    node: str
    network: str
    address: IPv4Address
    port: Port
    routed: bool
    """Whether a wire leads there from outside."""
    delivered: bool


@dataclass
class Reached:
    """What was heard, by the number of the aim."""

    heard: Heard = field(default_factory=dict)
    numbers: dict[Aim, int] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    """Guests that did not do what they were told, with why."""


def senders(plan: Scenario) -> tuple[Guest, ...]:
    """A guest of each sort: on a tenant's own network with a floating IP and without, and on each flat network."""
    first = plan.tenants[0].private[:2]
    return (*first, *(guest for guest in plan.guests if guest.flat in plan.gateways))


def aims(design: Design, plan: Scenario) -> tuple[Aim, ...]:
    """From each of these guests to each address of each node. Pure."""
    known = ways(design)
    ports = tuple(dict.fromkeys((*declared(design), *CLOSED)))
    found = []
    for guest in senders(plan):
        outside = design.site.networks[guest.flat or plan.tenant(guest.tenant).external].cidr
        # Who is seen from there: some address of that network; no flow knows one of them.
        source = outside[2]
        for (node, network), address in design.plan.items():
            routed = design.site.networks[network].gateway is not None
            for port in ports:
                enters = routed and known.enters(node, network, source, address, port)
                found.append(Aim(guest, node, network, address, port, routed, enters))
    return tuple(found)


def record(world: World, every: Sequence[Aim], ears: Mapping[str, Hands]) -> Reached:
    """Listens, has everything sent, and says what was heard. What a guest could not do is in the record."""
    found = Reached()
    run = secrets.randbelow(255) + 1
    found.numbers = {aim: run << 24 | number for number, aim in enumerate(every, 1)}
    at_once(ears, lambda node: ears[node].call("listen", run=run, translated=True))
    try:
        guests = {aim.guest.name: aim.guest for aim in every}
        lasts: dict[str, list[list[object]]] = {node: [] for node in ears}

        def send(name: str) -> None:
            guest = guests[name]
            own = [aim for aim in every if aim.guest == guest]
            try:
                for answer in world.ask_all(guest, _lines(world, guest, own, found.numbers)):
                    if not answer["ok"]:
                        raise Trouble(f"{name}: {answer.get('error')}")
            except Trouble as error:
                found.trouble[name] = error.what
                return
            # The last packet to each address comes behind all others to it.
            for aim in {(aim.node, aim.network): aim for aim in own}.values():
                lasts[aim.node].append([found.numbers[aim], "probe", "in"])

        at_once(guests, send)
        routed = {node: marks for node, marks in lasts.items() if marks}
        at_once(routed, lambda node: ears[node].call("wait", marks=routed[node], asked=[], seconds=LAST_SECONDS))
        told = {node: ears[node].call("heard") for node in ears}
        found.heard = gather({node: each["records"] for node, each in told.items()})
    finally:
        at_once(ears, lambda node: ears[node].call("deaf"))
    return found


def _lines(world: World, guest: Guest, own: Sequence[Aim], numbers: Mapping[Aim, int]) -> list[str]:
    things = world.of(guest)
    source = things.address(guest)
    mac = str(things.ports[guest.name]["mac_address"]).replace(":", "")
    router = world.scenario.gateways[guest.flat] if guest.flat else str(things.subnet["gateway_ip"])
    told = world.ask(guest, f"arp {router} wait=5")
    if not told.get("macs"):
        raise Trouble(f"{guest.name} finds no router at {router}")
    head = str(told["macs"][0]).replace(":", "") + mac + _ETHERNET_IP
    lines = []
    for at, aim in enumerate(own):
        ports = packets.LET_THROUGH if aim.delivered else packets.HELD_BACK
        content = packets.packet(
            numbers[aim], ports[at % len(ports)], source, str(aim.address), PROTOCOLS[aim.port[0]], aim.port[1]
        )
        lines.append(f"send frame {head}{content.hex()}")
    return lines
