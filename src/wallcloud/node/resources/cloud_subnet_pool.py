"""The pools that the admin's subnets come from, and the address scope that they are in (docs/decisions/0032)."""

from collections.abc import Iterable
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, State
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudResource, call, listed, own_project
from wallcloud.node.resources.cloud_network import POOLS, marked, own, pool, put, sure

SCOPES = "address-scopes"
_IPV4 = 4


@frozen(kw_only=True)
class CloudSubnetPool(CloudResource):
    """Addresses that the admin's subnets are taken from; tenants take none.

    `scope` is an address scope of the admin's, which nobody shares, or none. With one, routers let nothing from there
    to networks of other scopes, or of none, but what is translated (floating IPs, and what began inside).
    """

    kind: ClassVar[str] = "cloud-subnet-pool"
    pool: str
    prefixes: tuple[str, ...]
    prefix_length: int
    scope: str

    @property
    def name(self) -> str:
        return self.pool

    def desired(self, ctx: Context) -> State:
        return {
            "prefixes": tuple(sorted(self.prefixes)),
            "prefix length": self.prefix_length,
            "address scope": self.scope,
            "shared": False,
            "marked": True,
        }

    def read(self, ctx: Context) -> State | None:
        found = pool(ctx, self.access, self.pool)
        return found and {
            "prefixes": tuple(sorted(found["prefixes"])),
            "prefix length": int(found["default_prefixlen"]),
            "address scope": self._scope_of(ctx, found),
            "shared": found["shared"],
            "marked": marked(found),
        }

    def _unshared(self, ctx: Context) -> list[JSON]:
        return [each for each in own(ctx, self.access, SCOPES) if not each["shared"]]

    def _scope_of(self, ctx: Context, found: JSON) -> str:
        names = {each["id"]: each["name"] for each in self._unshared(ctx)}
        return str(names.get(found["address_scope_id"], found["address_scope_id"] or ""))

    def _scope(self, ctx: Context) -> str | None:
        """Its id; made where there is none. One that was shared stays so (Neutron), and another takes its place."""
        if not self.scope:
            return None
        for each in self._unshared(ctx):
            if each["name"] == self.scope and each["ip_version"] == _IPV4:
                return str(each["id"])
        body = {"address_scope": {"name": self.scope, "ip_version": _IPV4, "shared": False}}
        made = call(ctx, self.access, "network", "POST", f"/v2.0/{SCOPES}", body)["address_scope"]
        return str(made["id"])

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        sure(ctx, self.access, POOLS, SCOPES)
        found = pool(ctx, self.access, self.pool)
        there = found["prefixes"] if found else []
        # Neutron only widens a pool here
        wanted = {"prefixes": sorted({*self.prefixes, *there}), "default_prefixlen": self.prefix_length}
        if found and found["shared"]:
            # While it is in no scope: else the scope would have to be shared first.
            put(ctx, self.access, POOLS, found, {"address_scope_id": None})
            self._unshare(ctx, found["id"])
        put(ctx, self.access, POOLS, found, {"name": self.pool, **wanted, "address_scope_id": self._scope(ctx)})
        if found and (stray := without(there, self.prefixes)):
            where = f"/v2.0/{POOLS}/{found['id']}/remove_prefixes"
            call(ctx, self.access, "network", "PUT", where, {"prefixes": stray})

    def _unshare(self, ctx: Context, id: str) -> None:
        """Takes back what gives it to everybody. Neutron allows that only while each project that took from it, also
        the owner, has a permission of its own; it refuses where a tenant took from it."""
        where, which = "/v2.0/rbac-policies", {"object_type": "subnetpool", "object_id": id}
        own = {**which, "action": "access_as_shared", "target_tenant": own_project(ctx, self.access)}
        policies = listed(ctx, self.access, "network", where, object_id=id) or ()
        if not any(each["target_tenant"] == own["target_tenant"] for each in policies):
            made = call(ctx, self.access, "network", "POST", where, {"rbac_policy": own})["rbac_policy"]
            policies = (*policies, made)
        for each in sorted(policies, key=lambda each: str(each["target_tenant"] != "*")):
            if each["target_tenant"] in {"*", own["target_tenant"]}:
                call(ctx, self.access, "network", "DELETE", f"{where}/{each['id']}")


def without(prefixes: Iterable[str], kept: Iterable[str]) -> list[str]:
    """What of `prefixes` lies outside `kept`."""
    from ipaddress import IPv4Network  # noqa: PLC0415 - only where something differs

    left = [IPv4Network(each) for each in prefixes]
    for each in map(IPv4Network, kept):
        left = [
            part
            for whole in left
            if not whole.subnet_of(each)
            for part in (whole.address_exclude(each) if each.subnet_of(whole) else [whole])
        ]
    return [str(each) for each in left]
