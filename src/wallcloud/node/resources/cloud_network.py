"""What tenants find in Neutron: networks on the site's wires, and their subnets."""

from collections.abc import Mapping
from typing import Any, ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State, changed
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import MARK, CloudAccess, CloudResource, call, certain, listed, own_project
from wallcloud.node.resources.identity_client import session

NETWORKS, SUBNETS, POOLS, PORTS = "networks", "subnets", "subnetpools", "ports"
_SINGULAR = {NETWORKS: "network", SUBNETS: "subnet", POOLS: "subnetpool", "routers": "router"}


@frozen(kw_only=True)
class CloudNetwork(CloudResource):
    """A network of type flat on `physical_network`, the admin's. `external`: tenants' routers have their gateway and
    floating IPs there; `shared`: every tenant's VMs may be attached. `mtu` 0 = Neutron's own choice."""

    kind: ClassVar[str] = "cloud-network"
    network: str
    physical_network: str
    external: bool = False
    shared: bool = False
    mtu: int = 0
    port_security: bool = True

    @property
    def name(self) -> str:
        return self.network

    def desired(self, ctx: Context) -> State:
        return {
            "type": "flat",
            "physical network": self.physical_network,
            "external": self.external,
            "shared": self.shared,
            **({"mtu": self.mtu} if self.mtu else {}),
            "port security": self.port_security,
            "up": True,
            "marked": True,
        }

    def read(self, ctx: Context) -> State | None:
        found = network(ctx, self.access, self.network)
        return found and {
            "type": found["provider:network_type"],
            "physical network": found["provider:physical_network"],
            "external": found["router:external"],
            "shared": found["shared"],
            "mtu": found["mtu"],
            "port security": found["port_security_enabled"],
            "up": found["admin_state_up"],
            "marked": marked(found),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted: dict[str, Any] = {
            "router:external": self.external,
            "shared": self.shared,
            "port_security_enabled": self.port_security,
            "admin_state_up": True,
            **({"mtu": self.mtu} if self.mtu else {}),
        }
        where = {"provider:network_type": "flat", "provider:physical_network": self.physical_network}
        sure(ctx, self.access, NETWORKS)
        found = network(ctx, self.access, self.network)
        if found and changed(changes, "type", "physical network"):
            raise ResourceFailed(
                f"refused: the network {self.network} is on another wire, and Neutron moves none",
                tried=f"put it on {self.physical_network}",
                hint=f"delete it with what is on it (openstack network delete {found['id']}), then apply again",
            )
        put(ctx, self.access, NETWORKS, found, {"name": self.network, **wanted, **({} if found else where)})

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "changes the tenants' packets" if touching(changes, "port security", "up", "mtu") else ""


@frozen(kw_only=True)
class CloudSubnet(CloudResource):
    """The addresses of a network. `first` to `last` are handed out; `dns` none = the network's own DHCP agent."""

    kind: ClassVar[str] = "cloud-subnet"
    subnet: str
    network: str
    cidr: str
    gateway: str | None
    first: str
    last: str
    dhcp: bool
    dns: tuple[str, ...] = ()
    pool: str = ""

    @property
    def name(self) -> str:
        return self.subnet

    def desired(self, ctx: Context) -> State:
        return {
            "cidr": self.cidr,
            "pool": self.pool,
            "gateway": self.gateway,
            "handed out": (f"{self.first}-{self.last}",),
            "dhcp": self.dhcp,
            "dns": self.dns,
            "marked": True,
        }

    def read(self, ctx: Context) -> State | None:
        found = self.found(ctx)
        if found is None:
            return None
        pools = {each["id"]: str(each["name"]) for each in own(ctx, self.access, POOLS)}
        return {
            "cidr": found["cidr"],
            "pool": pools.get(found["subnetpool_id"], found["subnetpool_id"] or ""),
            "gateway": found["gateway_ip"],
            "handed out": tuple(sorted(f"{each['start']}-{each['end']}" for each in found["allocation_pools"])),
            "dhcp": found["enable_dhcp"],
            "dns": tuple(found["dns_nameservers"]),
            "marked": marked(found),
        }

    def found(self, ctx: Context) -> JSON | None:
        """The subnet of that name in that network."""
        around = network(ctx, self.access, self.network)
        return around and first(
            each
            for each in own(ctx, self.access, SUBNETS)
            if (each["name"], each["network_id"]) == (self.subnet, around["id"])
        )

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        sure(ctx, self.access, NETWORKS, SUBNETS, POOLS)
        found, around = self.found(ctx), network(ctx, self.access, self.network)
        source = pool(ctx, self.access, self.pool) if self.pool else None
        if around is None or (self.pool and source is None):
            raise ResourceFailed(f"{self.subnet} has no network or no pool", hint="they must come first in the spec")
        if found and changed(changes, "cidr", "pool"):
            # refused by Neutron while there are ports with its addresses
            call(ctx, self.access, "network", "DELETE", f"/v2.0/{SUBNETS}/{found['id']}")
            found = None
        wanted: dict[str, Any] = {
            "name": self.subnet,
            "gateway_ip": self.gateway,
            "allocation_pools": [{"start": self.first, "end": self.last}],
            "enable_dhcp": self.dhcp,
            "dns_nameservers": list(self.dns),
        }
        once = {"network_id": around["id"], "ip_version": 4, "cidr": self.cidr}
        once |= {"subnetpool_id": source["id"]} if source else {}
        put(ctx, self.access, SUBNETS, found, {**wanted, **({} if found else once)})

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "VMs get other addresses" if touching(changes, "cidr", "gateway") else ""


def network(ctx: Context, access: CloudAccess, name: str) -> JSON | None:
    """The admin's network of that name."""
    return first(each for each in own(ctx, access, NETWORKS) if each["name"] == name)


def pool(ctx: Context, access: CloudAccess, name: str) -> JSON | None:
    """The admin's pool of that name."""
    return first(each for each in own(ctx, access, POOLS) if each["name"] == name)


def own(ctx: Context, access: CloudAccess, what: str) -> tuple[JSON, ...]:
    """The admin's networks, subnets, pools, routers or ports; none where Neutron cannot be asked (yet)."""
    project = own_project(ctx, access)
    return (project and listed(ctx, access, "network", f"/v2.0/{what}", project_id=project)) or ()


def sure(ctx: Context, access: CloudAccess, *what: str) -> None:
    """Has them read anew. Raises ResourceFailed where Neutron does not answer."""
    for each in what:
        certain(ctx, access, "network", f"/v2.0/{each}", project_id=session(ctx, access.identity).project)


def first(found: Any) -> JSON | None:
    """Of several with one name: what is marked before what is not, then the oldest."""
    return min(found, key=lambda each: (not marked(each), each["created_at"], each["id"]), default=None)


def marked(found: JSON) -> bool:
    return MARK in found["tags"]


def put(ctx: Context, access: CloudAccess, what: str, found: JSON | None, wanted: Mapping[str, Any]) -> None:
    """Makes or changes one, and marks it: a second request, and where that never came the next apply sends it."""
    name = _SINGULAR[what]
    if found:
        there = call(ctx, access, "network", "PUT", f"/v2.0/{what}/{found['id']}", {name: wanted})[name]
    else:
        there = call(ctx, access, "network", "POST", f"/v2.0/{what}", {name: wanted})[name]
    if not marked(there):
        call(ctx, access, "network", "PUT", f"/v2.0/{what}/{there['id']}/tags/{MARK}")


def touching(changes: tuple[Change, ...], *names: str) -> bool:
    """Whether one of the properties changes in something that exists."""
    return any(each.property in names and each.before is not None for each in changes)
