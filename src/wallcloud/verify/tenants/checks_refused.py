"""What the APIs must refuse a tenant, each beside the same request without what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wallcloud.verify.tenants.asked import Asked, Body, id_of, known, plain, subnet_of
from wallcloud.verify.tenants.client import Client, catalog_types
from wallcloud.verify.tenants.ledger import Check, Outcome
from wallcloud.verify.tenants.scenario import PREFIX, Tenant
from wallcloud.verify.tenants.things import Things, network
from wallcloud.verify.tenants.world import World


def checks(world: World) -> Iterator[Check]:
    """As the first tenant, about what is the site's; as the second, beyond its quota."""
    mine, other = world.scenario.tenants
    for tenant, every in ((mine, (*_admins(), *_networks(world, mine))), (other, _beyond_quota(world, other))):
        client = world.things[tenant.name].client
        yield from (asked.check(world.scenario.place, client) for asked in every)


def _admins() -> Iterator[Asked]:
    """What is for administrators."""
    why = "{} is for administrators"
    for name, service, path in (
        ("users", "identity", "users"),
        ("projects", "identity", "projects"),
        ("services", "identity", "services"),
        ("compute-services", "compute", "os-services"),
        ("hypervisors", "compute", "os-hypervisors"),
        ("aggregates", "compute", "os-aggregates"),
        ("all-servers", "compute", "servers/detail?all_tenants=1"),
    ):
        yield Asked(f"admin/{name}", 403, why.format(name), "GET", service, plain(path))
    yield Asked("own/servers", 200, "its own servers are shown", "GET", "compute", plain("servers/detail"), False)
    for name, service, path, body in (
        ("new-project", "identity", "projects", {"project": {"name": f"{PREFIX}x", "domain_id": "default"}}),
        (
            "new-flavor",
            "compute",
            "flavors",
            {"flavor": {"name": f"{PREFIX}x", "ram": 64, "vcpus": 1, "disk": 0}},
        ),
        (
            "public-image",
            "image",
            "images",
            {"name": f"{PREFIX}x", "visibility": "public", "disk_format": "raw", "container_format": "bare"},
        ),
    ):
        yield Asked(f"admin/{name}", 403, why.format(name), "POST", service, plain(path, body))
    image = {"name": f"{PREFIX}x", "visibility": "private", "disk_format": "raw", "container_format": "bare"}
    yield Asked("own/image", 201, "a private image is allowed", "POST", "image", plain("images", image), False)


def _networks(world: World, mine: Tenant) -> Iterator[Asked]:
    def things() -> Things:
        return world.things[mine.name]

    def named(**more: Any) -> Callable[[], tuple[str, Body]]:
        return plain("networks", {"network": {"name": f"{PREFIX}x", **more}})

    yield Asked("network/plain", 201, "a network of its own", "POST", "network", named(), False)
    physical = next((guest.flat for guest in world.scenario.guests if guest.flat), "physical")
    for name, more in (
        ("vxlan-id", {"provider:network_type": "vxlan", "provider:segmentation_id": 7}),
        ("provider-flat", {"provider:network_type": "flat", "provider:physical_network": physical}),
        ("external", {"router:external": True}),
        ("shared", {"shared": True}),
    ):
        yield Asked(f"network/{name}", 403, "provider networks are the site's", "POST", "network", named(**more))
    yield Asked(
        "network/own-quota",
        403,
        "quotas are the administrators'",
        "PUT",
        "network",
        lambda: (f"quotas/{things().client.project}", {"quota": {"network": 100}}),
    )
    if mine.private:
        yield from _ports_of_its_own(things)
    for guest in mine.guests:
        if guest.flat:
            yield from _ports_on_flat(world, things, guest.flat)
            if mine.private:
                yield from _router_on_flat(world, things, guest.flat, guest.name)


def _ports_of_its_own(things: Callable[[], Things]) -> Iterator[Asked]:
    def port(**more: Any) -> Callable[[], tuple[str, Body]]:
        return lambda: ("ports", {"port": {"name": f"{PREFIX}x", "network_id": id_of(things().network), **more}})

    yield Asked("port/plain", 201, "a port on its own network", "POST", "network", port(), False)
    for name, more in (
        ("host", {"binding:host_id": "compute1"}),
        ("profile", {"binding:profile": {"trusted": "true"}}),
    ):
        yield Asked(
            f"port/{name}", 403, "where a port is bound is not a tenant's to say", "POST", "network", port(**more)
        )


def _ports_on_flat(world: World, things: Callable[[], Things], name: str) -> Iterator[Asked]:
    flat = things().flat.get

    def port(**more: Any) -> Callable[[], tuple[str, Body]]:
        return lambda: ("ports", {"port": {"name": f"{PREFIX}x", "network_id": id_of(flat(name)), **more}})

    yield Asked(f"{name}/plain", 201, "a port on a flat network", "POST", "network", port(), False)
    router = world.scenario.gateways.get(name, "198.18.0.1")
    for kind, more in (
        ("no-port-security", {"port_security_enabled": False}),
        ("address-pairs", {"allowed_address_pairs": [{"ip_address": router}]}),
        ("mac", {"mac_address": "02:00:5e:ba:d0:02"}),
        ("device-owner", {"device_owner": "network:dhcp"}),
    ):
        yield Asked(
            f"{name}/{kind}", 403, "on a shared network every VM is only itself", "POST", "network", port(**more)
        )
    yield Asked(
        f"{name}/subnet",
        403,
        "addresses on a flat network are the site's",
        "POST",
        "network",
        lambda: (
            "subnets",
            {"subnet": {"network_id": id_of(flat(name)), "ip_version": 4, "cidr": str(world.scenario.private)}},
        ),
    )


def _router_on_flat(world: World, things: Callable[[], Things], name: str, guest: str) -> Iterator[Asked]:
    def interface() -> str:
        return f"routers/{id_of(things().router)}/add_router_interface"

    def spare_port() -> tuple[str, dict[str, Any]]:
        body = {"port": {"name": f"{PREFIX}spare", "network_id": id_of(things().flat.get(name))}}
        made = things().client.want("POST", "network", "ports", body)["port"]
        return interface(), {"port_id": made["id"]}

    def given_away() -> tuple[str, Body]:
        port = spare_port()[1]["port_id"]
        return f"ports/{port}", {
            "port": {"device_owner": "network:router_interface", "device_id": id_of(things().router)}
        }

    def own_port() -> tuple[str, Body]:
        client = things().client
        net = client.want("POST", "network", "networks", {"network": {"name": f"{PREFIX}second"}})["network"]
        body = {"network_id": net["id"], "ip_version": 4, "cidr": "100.64.9.0/24", "enable_dhcp": False}
        client.want("POST", "network", "subnets", {"subnet": body})
        made = client.want("POST", "network", "ports", {"port": {"network_id": net["id"]}})["port"]
        return interface(), {"port_id": made["id"]}

    why = "no tenant's router stands on a flat network"
    yield Asked(
        f"{name}/router-by-subnet",
        400,
        why,
        "PUT",
        "network",
        lambda: (interface(), {"subnet_id": subnet_of(things().flat.get(name))}),
    )
    yield Asked(f"{name}/router-by-port", 409, why, "PUT", "network", spare_port)
    yield Asked(f"{name}/router-by-owner", 403, why, "PUT", "network", given_away)
    yield Asked(
        f"{name}/router-gateway",
        400,
        why,
        "PUT",
        "network",
        lambda: (
            f"routers/{id_of(things().router)}",
            {"router": {"external_gateway_info": {"network_id": id_of(things().flat.get(name))}}},
        ),
    )
    yield Asked(
        f"{name}/router-by-own-port", 200, "its router takes a port of its own", "PUT", "network", own_port, False
    )


def _beyond_quota(world: World, other: Tenant) -> Iterator[Asked]:
    """The other tenant's quota is what it already has: its first of each is the control."""
    if other.private:
        why = "the project's quota holds"
        things = world.things[other.name]

        def private() -> tuple[str, Body]:
            id_of(things.network)
            return "networks", {"network": {"name": f"{PREFIX}x"}}

        def floating() -> tuple[str, Body]:
            known(next(iter(things.floating.values()), None))
            return "floatingips", {"floatingip": {"floating_network_id": id_of(network(things.client, other.external))}}

        yield Asked("quota/network", 409, why, "POST", "network", private)
        yield Asked("quota/floating-ip", 409, why, "POST", "network", floating)


def catalog(world: World, tenant: Tenant) -> Iterator[Check]:
    """The catalog that a tenant is given, and what lies at the door beside it."""
    place = world.scenario.place

    def services() -> Outcome:
        urls = world.things[tenant.name].client.urls
        wanted = [
            kind for kind in catalog_types() if f"//{world.things[tenant.name].client.door.name}/" in urls.get(kind, "")
        ]
        return ", ".join(wanted), str(urls)

    def agents(client: Client) -> Outcome:
        answer = client.request("GET", "network", "agents")
        return ("some" if answer.status == 200 and answer.body["agents"] else "none"), f"status {answer.status}"

    mine = world.things[tenant.name].client
    why = "which agents there are is for administrators"
    yield Check("refused/admin/agents", place, "none", why, lambda: agents(mine), negative=True)
    yield Check("granted/admin/agents", "admin", "some", "an administrator sees agents", lambda: agents(world.admin))
    yield Check(
        "catalog/services", place, ", ".join(catalog_types()), "the catalog gives tenants the door's URLs", services
    )
    if place == "office":
        yield Check(
            "catalog/no-placement",
            place,
            "status 403",
            "Placement is no tenant's, and not at the public door",
            lambda: f"status {world.things[tenant.name].client.at('GET', '/placement').status}",
            negative=True,
        )
