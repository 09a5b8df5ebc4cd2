"""What VMs reach of the nodes: the tenants' door, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from wallcloud.design.compile import Design
from wallcloud.verify.hands import Trouble
from wallcloud.verify.reach.matrix import interfaces
from wallcloud.verify.tenants.ledger import Check, Outcome
from wallcloud.verify.tenants.reaching import Aim, Reached, aims
from wallcloud.verify.tenants.world import World


def checks(design: Design, world: World, record: Callable[[], Reached]) -> Iterator[Check]:
    """`record` gives what was heard."""
    wires = {node: _cards(design, node) for node in design.site.nodes}
    for aim in aims(design, world.scenario):
        name, port = aim.port
        where = f"{name}-{port}" if port else name
        row = _row(world, aim)
        yield Check(
            f"nodes/{aim.guest.name}/{aim.node}:{aim.network}/{where}",
            aim.guest.name,
            "delivered" if aim.delivered else "dropped",
            f"{'a declared flow' if aim.delivered else 'no flow'}: {row} → {aim.node} on {aim.network} {where}",
            partial(met, aim, wires, record),
            negative=not aim.delivered,
            source=row,
            target=f"{aim.node} on {aim.network}",
        )


def _row(world: World, aim: Aim) -> str:
    if aim.guest.flat:
        return f"VM on {aim.guest.flat}"
    where = "behind a floating IP" if aim.guest.floating else "without a floating IP"
    return f"VM {where} on {world.scenario.tenant(aim.guest.tenant).external}"


def _cards(design: Design, node: str) -> frozenset[str]:
    """A node's interfaces on wires where nodes have addresses: not those that VMs' own packets come by."""
    cards = interfaces(design, node)
    return frozenset().union(*(cards[name] for name in cards if design.plan.address(node, name) is not None))


def met(aim: Aim, wires: Mapping[str, frozenset[str]], record: Callable[[], Reached]) -> Outcome:
    """What became of it. Raises Trouble where it was never sent."""
    reached = record()
    if aim.guest.name in reached.trouble:
        raise Trouble(reached.trouble[aim.guest.name], where=aim.guest.name)
    notes = reached.heard.get(reached.numbers[aim], ())
    if any(note.node == aim.node and note.way == "inner" for note in notes):
        answers = {note.kind for note in notes if note.node == aim.node and note.way == "out"} - {"probe"}
        if answers & {"syn-ack", "reply"} or aim.port[0] == "udp":
            return "delivered"
        return "let in, nobody listens"
    arrived = {
        note.node for note in notes if note.kind == "probe" and note.way == "in" and note.interface in wires[note.node]
    }
    # Where no wire leads there, the physical router tries it through some node: that one holds it back.
    routed = aim.node in arrived if aim.routed else bool(arrived)
    return "dropped" if routed else "never arrived"
