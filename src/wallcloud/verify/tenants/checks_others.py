"""Another tenant's things, and where a server stands: what the APIs must refuse, beside what they grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from wallcloud.verify.tenants.asked import Asked, Body, id_of, known, late
from wallcloud.verify.tenants.ledger import Check
from wallcloud.verify.tenants.scenario import PREFIX, Tenant
from wallcloud.verify.tenants.things import Things
from wallcloud.verify.tenants.world import World


def checks(world: World) -> Iterator[Check]:
    """As the first tenant, about its own things and the other's."""
    mine, other = world.scenario.tenants
    client = world.things[mine.name].client
    for asked in (*_of_others(world, mine, other), *_servers(world, mine)):
        yield asked.check(world.scenario.place, client)


def _of_others(world: World, mine: Tenant, other: Tenant) -> Iterator[Asked]:
    def theirs() -> Things:
        return world.things[other.name]

    def ours() -> Things:
        return world.things[mine.name]

    def objects(things: Callable[[], Things], tenant: Tenant) -> Iterator[tuple[str, str, Callable[[], str]]]:
        if tenant.private:
            yield "network", "network", lambda: f"networks/{id_of(things().network)}"
            yield "subnet", "network", lambda: f"subnets/{id_of(things().subnet)}"
            yield "router", "network", lambda: f"routers/{id_of(things().router)}"
        yield "security-group", "network", lambda: f"security-groups/{things().group}"
        if tenant.guests:
            name = tenant.guests[0].name
            yield "port", "network", lambda: f"ports/{id_of(things().ports.get(name))}"
            yield "server", "compute", lambda: f"servers/{known(things().servers.get(name))}"

    for kind, service, path in objects(ours, mine):
        yield Asked(f"own/{kind}", 200, f"its own {kind} is shown", "GET", service, late(path), False)
    for kind, service, path in objects(theirs, other):
        yield Asked(f"other/{kind}", 404, f"another tenant's {kind} does not exist", "GET", service, late(path))
        yield Asked(f"other/{kind}-delete", 404, f"nor can it take {kind} away", "DELETE", service, late(path))
    if other.guests:
        name = other.guests[0].name

        def action(body: Body) -> tuple[str, Body]:
            return f"servers/{known(theirs().servers.get(name))}/action", body

        acts: dict[str, dict[str, Any]] = {
            "console": {"os-getConsoleOutput": {}},
            "reboot": {"reboot": {"type": "HARD"}},
        }
        for verb, body in acts.items():
            yield Asked(f"other/server-{verb}", 404, f"nor {verb} its server", "POST", "compute", partial(action, body))
    if other.private:
        yield Asked(
            "other/port-on-network",
            404,
            "nor plug into its network",
            "POST",
            "network",
            lambda: ("ports", {"port": {"network_id": id_of(theirs().network)}}),
        )
        yield Asked(
            "other/router-on-subnet",
            404,
            "nor route to its subnet",
            "PUT",
            "network",
            lambda: (f"routers/{id_of(ours().router)}/add_router_interface", {"subnet_id": id_of(theirs().subnet)}),
        )


def _servers(world: World, mine: Tenant) -> Iterator[Asked]:
    if not mine.guests:
        return
    guest = mine.guests[0].name

    def server(**more: Any) -> Callable[[], tuple[str, Body]]:
        def make() -> tuple[str, Body]:
            things = world.things[mine.name]
            shown = things.client.want("GET", "compute", f"servers/{known(things.servers.get(guest))}")["server"]
            flavors = things.client.want("GET", "compute", "flavors")["flavors"]
            flavor = next(each["id"] for each in flavors if each["name"] == shown["flavor"]["original_name"])
            wanted = {"name": f"{PREFIX}x", "imageRef": shown["image"]["id"], "flavorRef": flavor, "networks": "none"}
            return "servers", {"server": {**wanted, **more}}

        return make

    def action(body: dict[str, Any]) -> Callable[[], tuple[str, Body]]:
        return lambda: (f"servers/{known(world.things[mine.name].servers.get(guest))}/action", body)

    why = "which host a VM stands on is not a tenant's to say"
    node = world.scenario.watched[-1]
    yield Asked("server/forced-host", 403, why, "POST", "compute", server(availability_zone=f"nova:{node}"))
    yield Asked("server/requested-host", 403, why, "POST", "compute", server(host=node))
    live = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    yield Asked("server/live-migrate", 403, why, "POST", "compute", action(live))
    reset = {"os-resetState": {"state": "error"}}
    yield Asked("server/reset-state", 403, "an administrators' act", "POST", "compute", action(reset))
    yield Asked("server/over-quota", 403, "the project's quota holds", "POST", "compute", server())
