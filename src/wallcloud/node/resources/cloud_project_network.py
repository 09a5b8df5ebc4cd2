"""Networks that the IT department makes for its tenants: the admin's, on the overlay, and usable by one project each.

They are the admin's and shared with the project, not the project's own: its members can then neither change nor delete
them, nor switch off what keeps their VMs to their addresses, and a tenant's network is never taken for one of these.
"""

from typing import Any, ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State, changed
from wallcloud.node.resources import identity_lists as lists
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudResource, call, certain, forget, listed, own_project
from wallcloud.node.resources.cloud_network import NETWORKS, marked, network, put, sure, touching
from wallcloud.node.resources.identity_accounts import project
from wallcloud.node.resources.identity_client import session

_POLICIES = "/v2.0/rbac-policies"
_DOMAIN = "Default"
_LIMITS = {
    "network": "networks",
    "subnet": "subnets",
    "subnetpool": "pools",
    "router": "routers",
    "port": "ports",
    "rbac_policy": "shares",
}
"""Neutron's quotas by key, and what they are called here."""


@frozen(kw_only=True)
class CloudProjectNetwork(CloudResource):
    """A VXLAN network of the admin's that `project` (a name) may attach VMs to, and nobody else."""

    kind: ClassVar[str] = "cloud-project-network"
    network: str
    project: str

    @property
    def name(self) -> str:
        return self.network

    def desired(self, ctx: Context) -> State:
        return {
            "type": "vxlan",
            "external": False,
            "usable by": (self.project,),
            "port security": True,
            "up": True,
            "marked": True,
        }

    def read(self, ctx: Context) -> State | None:
        found = network(ctx, self.access, self.network)
        return found and {
            "type": found["provider:network_type"],
            "external": found["router:external"],
            "usable by": tuple(sorted(self._names(ctx, found))),
            "port security": found["port_security_enabled"],
            "up": found["admin_state_up"],
            "marked": marked(found),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        target = project(ctx, self.access.identity, self.project, _DOMAIN)
        if target is None:
            raise ResourceFailed(f"there is no project {self.project}", hint="an IdentityProject must come first")
        sure(ctx, self.access, NETWORKS)
        found = network(ctx, self.access, self.network)
        if found and changed(changes, "type"):
            raise ResourceFailed(
                f"refused: the network {self.network} is {found['provider:network_type']}, and Neutron moves none",
                tried="put it on the overlay",
                hint=f"delete it with what is on it (openstack network delete {found['id']}), then apply again",
            )
        wanted: dict[str, Any] = {
            "name": self.network,
            "router:external": False,
            "port_security_enabled": True,
            "admin_state_up": True,
        }
        put(ctx, self.access, NETWORKS, found, {**wanted, **({} if found else {"provider:network_type": "vxlan"})})
        if not found:
            sure(ctx, self.access, NETWORKS)
            found = network(ctx, self.access, self.network)
        if found:
            self._share(ctx, found["id"], target.id)

    def _share(self, ctx: Context, id: str, target: str) -> None:
        """First for the project, then for nobody else: Neutron refuses to take it from those whose ports are there."""
        certain(ctx, self.access, "network", _POLICIES, object_type="network")
        theirs = self._policies(ctx, id)
        if all(each["target_tenant"] != target for each in theirs):
            body = {"object_type": "network", "object_id": id, "action": "access_as_shared", "target_tenant": target}
            call(ctx, self.access, "network", "POST", _POLICIES, {"rbac_policy": body})
        for each in theirs:
            if each["target_tenant"] != target:
                call(ctx, self.access, "network", "DELETE", f"{_POLICIES}/{each['id']}")
        forget(ctx, self.access, "network", _POLICIES, object_type="network")

    def _policies(self, ctx: Context, id: str) -> list[JSON]:
        found = listed(ctx, self.access, "network", _POLICIES, object_type="network") or ()
        return [each for each in found if each["object_id"] == id and each["action"] == "access_as_shared"]

    def _names(self, ctx: Context, found: JSON) -> list[str]:
        """Who may use it, by name; an id where Keystone knows none, and everybody as "*"."""
        names = {each.id: each.name for each in lists.things(ctx, self.access.identity, "projects") or ()}
        policies = self._policies(ctx, found["id"])
        return [names.get(each["target_tenant"], str(each["target_tenant"])) for each in policies]

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "changes the tenants' packets" if touching(changes, "port security", "up") else ""


@frozen(kw_only=True)
class CloudOwnLimits(CloudResource):
    """Neutron's quotas do not hold for the admin's project: what the site names is not a matter of tenants' numbers."""

    kind: ClassVar[str] = "cloud-own-limits"

    @property
    def name(self) -> str:
        return "what the admin may have"

    def desired(self, ctx: Context) -> State:
        return dict.fromkeys(_LIMITS.values(), -1)

    def read(self, ctx: Context) -> State | None:
        id = own_project(ctx, self.access)
        found = listed(ctx, self.access, "network", f"/v2.0/quotas/{id}", "quota") if id else None
        return None if found is None else {name: found[0][key] for key, name in _LIMITS.items()}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        where = f"/v2.0/quotas/{session(ctx, self.access.identity).project}"
        call(ctx, self.access, "network", "PUT", where, {"quota": dict.fromkeys(_LIMITS, -1)})
