"""Ways that must be open: between computes, through the physical router to floating IPs, from the flat networks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from wallcloud.verify.tenants.ledger import Check, Outcome
from wallcloud.verify.tenants.scenario import Guest, Tenant
from wallcloud.verify.tenants.things import CLOSED_PORT
from wallcloud.verify.tenants.world import World, short

ECHO_BYTES = 84
LARGE_MIB = 2
PATIENT_SECONDS = 15.0
"""For what must answer: it is waited for no longer than it takes."""
SILENT_SECONDS = 2.0
"""For what must not: the same has just been seen to take far less where it is allowed."""


def checks(world: World) -> Iterator[Check]:
    """Every way of every guest."""
    for tenant in world.scenario.tenants:
        if tenant.private:
            yield from _between(world, tenant)
            yield from _routed(world, tenant)
    for guest in world.scenario.guests:
        if guest.floating or guest.flat:
            yield from _from_outside(world, guest)
        if guest.flat:
            yield from _flat(world, guest)


def _between(world: World, tenant: Tenant) -> Iterator[Check]:
    """Neighbours on a private network, over VXLAN where there are two computes."""
    first, second = tenant.private
    mtu = world.scenario.private_mtu
    overlay = "VXLAN between computes" if world.scenario.spread else "the private network"
    yield Check(
        f"private/{tenant.name}/mtu",
        world.scenario.place,
        str(mtu),
        "the overlay's MTU leaves room for VXLAN around a tenant's packet",
        lambda: str(world.things[tenant.name].network["mtu"]),
    )
    for one, other in ((first, second), (second, first)):
        yield Check(
            f"private/{one.name}/{other.name}/full-frame",
            one.name,
            "answered",
            f"{overlay} carries {mtu} bytes with DF set",
            _ping(world, one, other, mtu),
        )
        yield Check(
            f"private/{one.name}/{other.name}/http",
            one.name,
            f"{other.name} answers",
            f"TCP over {overlay} reaches the tenant's own neighbour",
            _http(world, one, other),
        )
    yield Check(
        f"private/{first.name}/{second.name}/too-large",
        first.name,
        "not answered",
        f"{mtu + 1} bytes with DF set do not pass",
        _ping(world, first, second, mtu + 1, SILENT_SECONDS),
        negative=True,
    )


def _routed(world: World, tenant: Tenant) -> Iterator[Check]:
    """Out through the tenant's router: with the floating IP as source, or the router's own address."""
    for guest in tenant.private:
        what = "its floating IP" if guest.floating else "its router's address"
        yield Check(
            f"routed/{guest.name}/source",
            guest.name,
            what,
            f"outside, a guest is seen as {what}",
            _mirrored(world, guest, what),
        )


def _from_outside(world: World, guest: Guest) -> Iterator[Check]:
    place = world.scenario.place
    way = "its flat address" if guest.flat else "its floating IP"
    kind = "flat" if guest.flat else "floating"
    mtu = world.scenario.outer_mtu(guest)
    yield Check(
        f"{kind}/{guest.name}/ping",
        place,
        "answered",
        f"the physical router leads to {way}, with full frames",
        lambda: _outer_ping(world, guest, mtu),
    )
    yield Check(
        f"{kind}/{guest.name}/http", place, f"{guest.name} answers", f"HTTP at {way}", _outer_http(world, guest)
    )
    yield Check(
        f"{kind}/{guest.name}/download",
        place,
        "whole",
        f"{LARGE_MIB} MiB come whole through {way}",
        lambda: _download(world, guest),
    )
    yield Check(
        f"{kind}/{guest.name}/port-open",
        place,
        "refused",
        "a port that the security group lets in reaches the guest, where nobody listens",
        _connect(world, guest, CLOSED_PORT + 1, PATIENT_SECONDS),
    )
    yield Check(
        f"{kind}/{guest.name}/port-closed",
        place,
        "silent",
        "a port that the security group does not name stays outside",
        _connect(world, guest, CLOSED_PORT, SILENT_SECONDS),
        negative=True,
    )


def _flat(world: World, guest: Guest) -> Iterator[Check]:
    gateway = world.scenario.gateways.get(guest.flat)
    if gateway:
        yield Check(
            f"flat/{guest.name}/router",
            guest.name,
            "answered",
            "a guest on a flat network talks to the physical router",
            lambda: _answered(world, guest, f"ping {gateway} size={ECHO_BYTES} wait={PATIENT_SECONDS}"),
        )
    yield Check(
        f"flat/{guest.name}/source",
        guest.name,
        "its own address",
        "outside, it is seen as itself: nobody translates",
        _mirrored(world, guest, "its own address"),
    )


def _answered(world: World, guest: Guest, line: str) -> Outcome:
    told = world.ask(guest, line)
    return "answered" if told["ok"] else ("not answered", json.dumps(told)[:300])


def _ping(world: World, one: Guest, other: Guest, size: int, wait: float = PATIENT_SECONDS) -> Callable[[], Outcome]:
    return lambda: _answered(world, one, f"ping {other.address} size={size} df wait={wait}")


def _named(text: str) -> Outcome:
    try:
        return f"{short(json.loads(text)['hostname'])} answers"
    except (ValueError, KeyError, TypeError):
        return "somebody else answers", text[:200]


def _http(world: World, one: Guest, other: Guest) -> Callable[[], Outcome]:
    def act() -> Outcome:
        told = world.ask(one, f"http {other.address} wait={PATIENT_SECONDS}")
        return _named(str(told["body"])) if told["ok"] else ("not answered", json.dumps(told)[:300])

    return act


def _mirrored(world: World, guest: Guest, what: str) -> Callable[[], Outcome]:
    def act() -> Outcome:
        things = world.of(guest)
        told = world.ask(guest, f"http {world.own} port={world.mirror} wait={PATIENT_SECONDS}")
        if not told["ok"]:
            return "not answered", json.dumps(told)[:300]
        known = {things.address(guest): "its own address"}
        if guest.floating:
            known[things.floating[guest.name]] = "its floating IP"
        if not guest.flat:
            known |= dict.fromkeys(things.outer, "its router's address")
        seen = str(told["body"]).strip()
        return known.get(seen, seen), f"{seen}, expected {what}"

    return act


def _outer_ping(world: World, guest: Guest, size: int) -> Outcome:
    told = world.workstation.call("ping", address=world.outer(guest), size=size, wait=PATIENT_SECONDS)
    return str(told)


def _outer_http(world: World, guest: Guest) -> Callable[[], Outcome]:
    def act() -> Outcome:
        where = world.outer(guest)
        told = world.workstation.call("fetch", address=where, port=80, path="/", wait=PATIENT_SECONDS)
        return _named(told["body"]) if told["status"] == 200 else f"status {told['status']}"

    return act


def _download(world: World, guest: Guest) -> Outcome:
    path = f"/large?mib={LARGE_MIB}"
    told = world.workstation.call("download", address=world.outer(guest), path=path, wait=PATIENT_SECONDS)
    fine = told["status"] == 200 and told["right"] and told["size"] == LARGE_MIB << 20
    return "whole" if fine else ("not whole", str(told))


def _connect(world: World, guest: Guest, port: int, wait: float) -> Callable[[], Outcome]:
    return lambda: str(world.workstation.call("connect", address=world.outer(guest), port=port, wait=wait))
