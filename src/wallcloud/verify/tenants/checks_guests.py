"""What each guest got: an address by DHCP, its own metadata, its user-data, a console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from wallcloud.verify.hands import Trouble
from wallcloud.verify.tenants.ledger import Check, Outcome
from wallcloud.verify.tenants.scenario import Guest
from wallcloud.verify.tenants.things import active, attempts
from wallcloud.verify.tenants.world import World, short


def servers(world: World) -> Iterator[Check]:
    """Every server runs, and those of a tenant on two computes."""
    for guest in world.scenario.guests:
        yield Check(
            f"server/{guest.name}/active", world.scenario.place, "ACTIVE", "a tenant's VM starts", _active(world, guest)
        )
    for tenant in world.scenario.tenants:
        if world.scenario.spread and tenant.private:
            yield Check(
                f"server/{tenant.name}/spread",
                world.scenario.place,
                "2 hosts",
                "an anti-affine group's VMs stand on different computes",
                _hosts(world, tenant.private),
            )


def _active(world: World, guest: Guest) -> Callable[[], Outcome]:
    def act() -> Outcome:
        things = world.of(guest)
        server = things.server(guest)
        try:
            return str(active(things.client, server)["status"])
        except Trouble as trouble:
            try:
                why = attempts(world.admin, server)
            except Trouble as silent:  # what the tenant saw matters more
                why = f"why, the admin is not told: {silent.what}"
            raise Trouble(f"{trouble.what} ({why})" if why else trouble.what) from None

    return act


def _hosts(world: World, guests: tuple[Guest, ...]) -> Callable[[], Outcome]:
    def act() -> Outcome:
        things = world.of(guests[0])
        shown = [active(things.client, things.server(guest))["hostId"] for guest in guests]
        return f"{len(set(shown))} hosts"

    return act


def ready(world: World) -> Iterator[Check]:
    """Every guest comes up: everything after this waits for it."""
    for guest in world.scenario.guests:
        why = "it has its address and its metadata"
        yield Check(f"guest/{guest.name}/ready", guest.name, "ready", why, _ready(world, guest))


def told(world: World) -> Iterator[Check]:
    """Once the guests are up: what they were given is what the API says."""
    for guest in world.scenario.guests:
        name = guest.name
        yield from (
            Check(
                f"guest/{name}/dhcp", name, "as the API says", "DHCP gives address, MTU, router, resolver",
                _about(world, guest, _dhcp),
            ),
            Check(
                f"guest/{name}/metadata", name, "its own",
                "metadata is this VM's own, though the other tenant has VMs of the same address",
                _about(world, guest, _metadata),
            ),
            Check(
                f"guest/{name}/key", name, "its own", "the tenant's public key arrives", _about(world, guest, _key)
            ),
            Check(
                f"guest/{name}/user-data", name, "its own", "user-data arrives byte by byte",
                _about(world, guest, _user_data),
            ),
            Check(
                f"guest/{name}/console", world.scenario.place, "shown", "the tenant reads its VM's console",
                _console(world, guest),
            ),
        )  # fmt: skip


def _ready(world: World, guest: Guest) -> Callable[[], Outcome]:
    def act() -> Outcome:
        about = world.ready(guest)
        return "ready", f"after {about['ready']:.1f} s of its own"

    return act


Judge = Callable[[World, Guest, dict[str, Any]], Outcome]


def _about(world: World, guest: Guest, judge: Judge) -> Callable[[], Outcome]:
    return lambda: judge(world, guest, world.ask(guest, "about"))


def _dhcp(world: World, guest: Guest, about: dict[str, Any]) -> Outcome:
    things = world.of(guest)
    network = things.flat[guest.flat] if guest.flat else things.network
    router = world.scenario.gateways.get(guest.flat) if guest.flat else things.subnet["gateway_ip"]
    got = about["dhcp"].get("eth0") or {}
    mtu = next((each["mtu"] for each in about["interfaces"] if each["name"] == "eth0"), None)
    wanted = {"address": things.address(guest), "router": router, "mtu": network["mtu"]}
    seen = {"address": got.get("address"), "router": got.get("router"), "mtu": mtu}
    if not got.get("dns"):
        return "without a resolver", str(got)
    return "as the API says" if seen == wanted else (str(seen), f"the API says {wanted}")


def _metadata(world: World, guest: Guest, about: dict[str, Any]) -> Outcome:
    wanted = (guest.name, world.of(guest).server(guest))
    seen = (short(about["hostname"]), about["uuid"])
    return "its own" if seen == wanted else (f"{seen}", f"it is {wanted}")


def _key(world: World, guest: Guest, about: dict[str, Any]) -> Outcome:
    keys = {str(key).strip() for key in (about["keys"] or {}).values()}
    return "its own" if keys == {world.of(guest).public_key.strip()} else str(sorted(keys))


def _user_data(world: World, guest: Guest, about: dict[str, Any]) -> Outcome:
    got = about["user_data"] or {}
    wanted = sha256(world.of(guest).user_data).hexdigest()
    return "its own" if got.get("digest") == wanted else (str(got.get("digest")), f"it is {wanted}")


def _console(world: World, guest: Guest) -> Callable[[], Outcome]:
    def act() -> Outcome:
        things = world.of(guest)
        body = {"os-getConsoleOutput": {"length": 200}}
        way = f"servers/{things.server(guest)}/action"
        output = str(things.client.want("POST", "compute", way, body)["output"])
        return "shown" if "wallcloud-guest: ready" in output else ("not ready in it", output[-200:])

    return act
