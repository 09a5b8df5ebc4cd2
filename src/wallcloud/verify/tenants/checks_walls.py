"""Ways that must not be: from one tenant's private network to the other's, though both have the same addresses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from wallcloud.verify.hands import Hands
from wallcloud.verify.tenants.ledger import Check, Outcome
from wallcloud.verify.tenants.scenario import Guest, Tenant
from wallcloud.verify.tenants.world import World, short

PATIENT_SECONDS = 15.0
SILENT_SECONDS = 1.5


def checks(world: World) -> Iterator[Check]:
    """Nothing where the tenants have no private networks."""
    one, other = world.scenario.tenants
    if not (one.private and other.private):
        return
    yield from _inside(world, one, other)
    yield from _inside(world, other, one)
    for tenant in (one, other):
        yield from _from_outside(world, tenant)
    yield from _through_the_router(world, one, other)
    yield from _through_the_router(world, other, one)


def _inside(world: World, mine: Tenant, others: Tenant) -> Iterator[Check]:
    """Both have `first`'s address; `second`'s is in use at the other tenant's alone."""
    first, second = mine.private
    foreign = others.private[1]
    for kind, line in (
        ("arp", "arp {} wait={}"),
        ("ping", "ping {} wait={}"),
        ("udp", "udp {} 7 wait={}"),
        ("tcp", "tcp {} 80 wait={}"),
    ):
        yield Check(
            f"private/{first.name}/{second.name}/{kind}",
            first.name,
            "answered",
            f"{kind} reaches the tenant's own neighbour",
            _tried(world, first, line.format(second.address, PATIENT_SECONDS)),
        )
        yield Check(
            f"private/{first.name}/{foreign.name}/{kind}",
            first.name,
            "not answered",
            f"{foreign.address} is in use at the other tenant's only: {kind} finds nobody",
            _tried(world, first, line.format(foreign.address, SILENT_SECONDS)),
            negative=True,
        )
    yield Check(
        f"private/{second.name}/same-address",
        second.name,
        f"{first.name} answers",
        f"{first.address} is the tenant's own guest, and never the other tenant's of the same address",
        lambda: _who(world, second, first.address),
    )


def _from_outside(world: World, tenant: Tenant) -> Iterator[Check]:
    guest = tenant.private[0]
    yield Check(
        f"outside/{tenant.name}/private-address",
        world.scenario.place,
        "not answered",
        "private addresses lead nowhere from outside; the floating IP answers (floating/…/http)",
        lambda: _unanswered(world, guest),
        negative=True,
    )
    stranger = world.stranger
    if stranger is not None and tenant.external in world.scenario.scoped:
        yield Check(
            f"outside/{tenant.name}/private-address-by-its-router",
            stranger.place,
            "not answered",
            "who has a route through a tenant's router gets no further: its two sides are of two address scopes",
            lambda: _by_router(world, stranger, guest),
            negative=True,
        )


def _through_the_router(world: World, mine: Tenant, others: Tenant) -> Iterator[Check]:
    """The one way from tenant to tenant is the public one, which the security groups judge."""
    first, target = mine.private[0], others.private[0]
    yield Check(
        f"public/{first.name}/{target.name}",
        first.name,
        f"{target.name} answers",
        "tenants meet at floating IPs, through the physical router, as strangers do",
        lambda: _who(world, first, world.outer(target)),
    )


def _tried(world: World, guest: Guest, line: str) -> Callable[[], Outcome]:
    def act() -> Outcome:
        told = world.ask(guest, line)
        return ("answered" if told["ok"] else "not answered"), json.dumps(told)[:200]

    return act


def _who(world: World, guest: Guest, address: str) -> Outcome:
    told = world.ask(guest, f"http {address} wait={PATIENT_SECONDS}")
    if not told["ok"]:
        return "not answered", json.dumps(told)[:200]
    try:
        return f"{short(json.loads(told['body'])['hostname'])} answers"
    except (ValueError, KeyError, TypeError):
        return "somebody else answers", str(told["body"])[:200]


def _by_router(world: World, stranger: Hands, guest: Guest) -> Outcome:
    things = world.of(guest)
    gateway = things.outer[0]
    told = str(stranger.call("connect_by", address=things.address(guest), port=80, via=gateway, wait=SILENT_SECONDS))
    return ("not answered" if told == "silent" else told), f"{told}, by {gateway}"


def _unanswered(world: World, guest: Guest) -> Outcome:
    told = str(world.workstation.call("connect", address=guest.address, port=80, wait=SILENT_SECONDS))
    return ("not answered" if told in ("silent", "unreachable") else told), told
