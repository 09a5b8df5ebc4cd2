"""Routers of the admin's: between a network that is made for a project and a floating network."""

from typing import Any, ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudAccess, CloudResource, call, listed, own_project
from wallcloud.node.resources.cloud_network import (
    NETWORKS,
    PORTS,
    SUBNETS,
    first,
    marked,
    network,
    own,
    put,
    sure,
    touching,
)
from wallcloud.node.resources.cloud_network_exclusive import refuse_used
from wallcloud.node.resources.cloud_project_network import CloudProjectNetwork

ROUTERS = "routers"
_INTERFACE = "network:router_interface"


@frozen(kw_only=True)
class CloudRouter(CloudResource):
    """A router with one leg on each of `networks` (at its subnets' gateway address) and its gateway on `gateway`.
    `address` is its own there; "" = Neutron takes one. Without `snat` packets keep their source address."""

    kind: ClassVar[str] = "cloud-router"
    router: str
    networks: tuple[str, ...]
    gateway: str
    address: str = ""
    snat: bool = True

    @property
    def name(self) -> str:
        return self.router

    def desired(self, ctx: Context) -> State:
        return {
            "gateway": self.gateway,
            **({"address": (self.address,)} if self.address else {}),
            "snat": self.snat,
            "networks": tuple(sorted(self.networks)),
            "up": True,
            "marked": True,
        }

    def read(self, ctx: Context) -> State | None:
        found = router(ctx, self.access, self.router)
        if found is None:
            return None
        outer = found["external_gateway_info"] or {"network_id": "", "enable_snat": False, "external_fixed_ips": ()}
        names = _named(ctx, self.access)
        return {
            "gateway": names.get(outer["network_id"], outer["network_id"]),
            "address": tuple(sorted(each["ip_address"] for each in outer["external_fixed_ips"])),
            "snat": outer["enable_snat"],
            "networks": tuple(sorted(names.get(id, id) for id in _inside(ctx, self.access, found))),
            "up": found["admin_state_up"],
            "marked": marked(found),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        sure(ctx, self.access, NETWORKS, SUBNETS, ROUTERS, PORTS)
        outer, found = network(ctx, self.access, self.gateway), router(ctx, self.access, self.router)
        wanted = {each: network(ctx, self.access, each) for each in self.networks}
        missing = sorted(each for each, there in {self.gateway: outer, **wanted}.items() if there is None)
        if outer is None or missing:
            raise ResourceFailed(f"{self.router} has no network {missing[0]}", hint="it must come first in the spec")
        # An address beside the pool is only given where it is asked for; a router that is there keeps its own.
        fixed = {"external_fixed_ips": [{"ip_address": self.address}]} if self.address else {}
        around: dict[str, Any] = {"network_id": outer["id"], "enable_snat": self.snat, **fixed}
        put(
            ctx,
            self.access,
            ROUTERS,
            found,
            {"name": self.router, "admin_state_up": True, "external_gateway_info": around},
        )
        sure(ctx, self.access, ROUTERS)
        there = router(ctx, self.access, self.router)
        if there is None:
            raise ResourceFailed(f"the router {self.router} is gone again", hint="does another apply run?")
        self._plug(ctx, there, {str(each["id"]) for each in wanted.values() if each})

    def _plug(self, ctx: Context, there: JSON, wanted: set[str]) -> None:
        """Legs on the networks with these ids, at their gateways' addresses, and on no others."""
        inside = _inside(ctx, self.access, there)
        where = f"/v2.0/{ROUTERS}/{there['id']}"
        for id, ports in inside.items():
            for port in ports if id not in wanted else ():
                call(ctx, self.access, "network", "PUT", f"{where}/remove_router_interface", {"port_id": port})
        for subnet in own(ctx, self.access, SUBNETS):
            if subnet["network_id"] in wanted - inside.keys():
                add = {"subnet_id": subnet["id"]}
                call(ctx, self.access, "network", "PUT", f"{where}/add_router_interface", add)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "cuts what goes through it" if touching(changes, "gateway", "address", "snat", "networks", "up") else ""


@frozen(kw_only=True)
class ExclusiveCloudRouters(CloudResource):
    """No router of Wallcloud's making but those that the spec names. Refused as long as VMs are on a network behind one
    that leaves too."""

    kind: ClassVar[str] = "exclusive-cloud-routers"

    @property
    def name(self) -> str:
        return "routers"

    def desired(self, ctx: Context) -> State:
        return {"strangers": ()}

    def read(self, ctx: Context) -> State | None:
        if listed(ctx, self.access, "network", f"/v2.0/{ROUTERS}", project_id=own_project(ctx, self.access)) is None:
            return None
        return {"strangers": tuple(sorted(str(each["name"]) for each in self._strangers(ctx)))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        sure(ctx, self.access, NETWORKS, ROUTERS, PORTS)
        kept = {each.network for each in ctx.resources if isinstance(each, CloudProjectNetwork)}
        going = {each["id"]: each for each in own(ctx, self.access, NETWORKS) if each["name"] not in kept}
        strangers = {each["id"]: _inside(ctx, self.access, each) for each in self._strangers(ctx)}
        for inside in strangers.values():
            for id in inside.keys() & going.keys():
                refuse_used(ctx, self.access, going[id], _INTERFACE)
        for id, inside in strangers.items():
            where = f"/v2.0/{ROUTERS}/{id}"
            for port in (port for ports in inside.values() for port in ports):
                call(ctx, self.access, "network", "PUT", f"{where}/remove_router_interface", {"port_id": port})
            call(ctx, self.access, "network", "DELETE", where)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "cuts what goes through them"

    def _strangers(self, ctx: Context) -> list[JSON]:
        wanted = {each.router for each in ctx.resources if isinstance(each, CloudRouter)}
        kept = {found["id"] for name in wanted if (found := router(ctx, self.access, name))}
        return [each for each in own(ctx, self.access, ROUTERS) if marked(each) and each["id"] not in kept]


def router(ctx: Context, access: CloudAccess, name: str) -> JSON | None:
    """The admin's router of that name."""
    return first(each for each in own(ctx, access, ROUTERS) if each["name"] == name)


def _named(ctx: Context, access: CloudAccess) -> dict[str, str]:
    """The names of the admin's networks by their ids."""
    return {each["id"]: str(each["name"]) for each in own(ctx, access, NETWORKS)}


def _inside(ctx: Context, access: CloudAccess, router: JSON) -> dict[str, list[str]]:
    """The networks behind a router, by id, each with the ids of its ports there."""
    found: dict[str, list[str]] = {}
    for port in own(ctx, access, PORTS):
        if port["device_id"] == router["id"] and port["device_owner"] == _INTERFACE:
            found.setdefault(port["network_id"], []).append(port["id"])
    return found
