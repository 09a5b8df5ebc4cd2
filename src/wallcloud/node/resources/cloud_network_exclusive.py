"""What Wallcloud made in Neutron and the site no longer names goes, unless tenants still use it."""

from collections import Counter
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudAccess, CloudResource, call, listed, own_project
from wallcloud.node.resources.cloud_network import (
    NETWORKS,
    POOLS,
    SUBNETS,
    CloudNetwork,
    CloudSubnet,
    marked,
    network,
    own,
    pool,
    sure,
)
from wallcloud.node.resources.cloud_project_network import CloudProjectNetwork
from wallcloud.node.resources.cloud_subnet_pool import CloudSubnetPool

_SERVICE_PORTS = ("network:dhcp", "network:distributed")
"""Ports that Neutron makes for itself and removes with the network."""


@frozen(kw_only=True)
class ExclusiveCloudNetworks(CloudResource):
    """No network, subnet or pool of Wallcloud's making but those that the spec names. A network that somebody still
    uses is refused."""

    kind: ClassVar[str] = "exclusive-cloud-networks"

    @property
    def name(self) -> str:
        return "networks"

    def desired(self, ctx: Context) -> State:
        return {"networks": (), "subnets": (), "pools": ()}

    def read(self, ctx: Context) -> State | None:
        if listed(ctx, self.access, "network", "/v2.0/networks", project_id=own_project(ctx, self.access)) is None:
            return None
        return {
            "networks": _names(self._networks(ctx)),
            "subnets": _names(self._subnets(ctx)),
            "pools": _names(self._pools(ctx)),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        sure(ctx, self.access, NETWORKS, SUBNETS, POOLS)
        networks, subnets, pools = self._networks(ctx), self._subnets(ctx), self._pools(ctx)
        for each in networks:
            refuse_used(ctx, self.access, each)
        for each in subnets:
            call(ctx, self.access, "network", "DELETE", f"/v2.0/{SUBNETS}/{each['id']}")
        for each in networks:
            call(ctx, self.access, "network", "DELETE", f"/v2.0/{NETWORKS}/{each['id']}")
        for each in pools:
            call(ctx, self.access, "network", "DELETE", f"/v2.0/{POOLS}/{each['id']}")

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "refused while somebody uses them"

    def _networks(self, ctx: Context) -> list[JSON]:
        wanted = {each.network for each in ctx.resources if isinstance(each, CloudNetwork | CloudProjectNetwork)}
        kept = {found["id"] for name in wanted if (found := network(ctx, self.access, name))}
        return _strangers(ctx, self.access, NETWORKS, kept)

    def _subnets(self, ctx: Context) -> list[JSON]:
        wanted = [each for each in ctx.resources if isinstance(each, CloudSubnet)]
        kept = {found["id"] for each in wanted if (found := each.found(ctx))}
        return _strangers(ctx, self.access, SUBNETS, kept)

    def _pools(self, ctx: Context) -> list[JSON]:
        wanted = {each.pool for each in ctx.resources if isinstance(each, CloudSubnetPool)}
        kept = {found["id"] for name in wanted if (found := pool(ctx, self.access, name))}
        return _strangers(ctx, self.access, POOLS, kept)


def refuse_used(ctx: Context, access: CloudAccess, which: JSON, *ignored: str) -> None:
    """Raises ResourceFailed where somebody has ports on a network; those of the owners `ignored` do not count."""
    ports = listed(ctx, access, "network", "/v2.0/ports", network_id=which["id"]) or ()
    used = Counter(
        each["device_owner"] or "unattached"
        for each in ports
        if not each["device_owner"].startswith((*_SERVICE_PORTS, *ignored))
    )
    if used:
        told = ", ".join(f"{count} {owner}" for owner, count in sorted(used.items()))
        raise ResourceFailed(
            f"refused: the network {which['name']} is in use ({told})",
            tried="delete it, since the site no longer names it",
            hint=f"openstack port list --network {which['id']} shows whose ports they are;"
            " or name the network in the site again",
        )


def _strangers(ctx: Context, access: CloudAccess, what: str, kept: set[str]) -> list[JSON]:
    return [each for each in own(ctx, access, what) if marked(each) and each["id"] not in kept]


def _names(found: list[JSON]) -> tuple[str, ...]:
    return tuple(sorted(str(each["name"]) for each in found))
