"""Forged frames do not leave a VM; honest ones of the same kind do, and reach the VM's own network alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from wallcloud.verify.tenants.frames import MARKER, SORTS, Record, Sort, senders
from wallcloud.verify.tenants.ledger import Check, Outcome
from wallcloud.verify.tenants.scenario import Guest
from wallcloud.verify.tenants.world import World


def checks(world: World, record: Callable[[], Record]) -> Iterator[Check]:
    """`record` gives what was heard."""
    for node in world.scenario.watched:
        yield Check(
            f"frames/{node}/hears",
            node,
            "frames",
            "who listens hears something",
            partial(_total, record, node),
        )
    for guest in senders(world):
        for sort in SORTS:
            yield Check(
                f"frames/{guest.name}/{sort.name}",
                guest.name,
                "stays in the VM" if sort.forged else "leaves",
                f"{sort.what} {'does not leave' if sort.forged else 'leaves'} the VM",
                _heard(world, record, guest, sort),
                negative=sort.forged,
            )
        neighbours = sorted(_neighbours(world, guest))
        yield Check(
            f"frames/{guest.name}/reach",
            guest.name,
            ", ".join(neighbours) or "no VM",
            "a broadcast reaches the VMs of its own network and no other's",
            _reached(world, record, guest),
            negative=True,
        )


def _total(recorded: Callable[[], Record], node: str) -> Outcome:
    record = recorded()
    total = record.totals.get(node, 0)
    return ("frames" if total else "nothing"), record.trouble.get(node, f"{total}")


def _heard(world: World, record: Callable[[], Record], guest: Guest, sort: Sort) -> Callable[[], Outcome]:
    def act() -> Outcome:
        places = record().heard(guest, sort.name)
        tap = world.of(guest).tap(guest)
        if not any(interface == tap for _, interface in places):
            return "not sent", f"heard at {sorted(places)}"
        elsewhere = sorted(f"{node}:{interface}" for node, interface in places if interface != tap)
        return ("leaves", ", ".join(elsewhere)) if elsewhere else "stays in the VM"

    return act


def _neighbours(world: World, guest: Guest) -> set[str]:
    def network(one: Guest) -> tuple[str, str]:
        return ("flat", one.flat) if one.flat else ("private", one.tenant)

    return {other.name for other in world.scenario.guests if other != guest and network(other) == network(guest)}


def _reached(world: World, record: Callable[[], Record], guest: Guest) -> Callable[[], Outcome]:
    def act() -> Outcome:
        heard = {interface for _, interface in record().heard(guest, MARKER)}
        others = [other for other in world.scenario.guests if other != guest]
        found = sorted(other.name for other in others if world.of(other).tap(other) in heard)
        return ", ".join(found) or "no VM"

    return act
