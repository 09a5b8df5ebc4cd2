"""Records of hosts in Nova, Neutron and Placement: what left the site leaves there, too."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State, changed
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudAccess, CloudResource, call, certain, forget, listed

_SERVICES = "/os-services"
_COMPUTE = "nova-compute"
_AGENTS = "/v2.0/agents"
_PROVIDERS = "/resource_providers"


@frozen(kw_only=True)
class KeptComputes(CloudResource):
    """Every compute that holds VMs is one of `computes`; otherwise refused. It stands before all that cuts a host off
    (bus accounts, firewall, tunnels), and what does so elsewhere awaits what it publishes. Where Nova does not answer,
    nobody can tell, and nothing is refused."""

    kind: ClassVar[str] = "kept-computes"
    computes: tuple[str, ...]

    @property
    def name(self) -> str:
        return "computes with VMs"

    def desired(self, ctx: Context) -> State:
        return {"left out": ()}

    def read(self, ctx: Context) -> State | None:
        used = ((str(each["host"]), held(ctx, self.access, str(each["host"]))) for each in self._leaving(ctx))
        return {"left out": tuple(sorted(f"{host}: {count(found)}" for host, found in used if found))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        for each in self._leaving(ctx):
            refuse_used(ctx, self.access, str(each["host"]))

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "refused while they hold VMs"

    def _leaving(self, ctx: Context) -> list[JSON]:
        return leaving(ctx, self.access, self.computes) or []


@frozen(kw_only=True)
class ExclusiveComputes(CloudResource):
    """No nova-compute, no agent of Neutron's and no provider of Placement's on other hosts than these.

    `computes` and `agents` are host names as the services report them (`[DEFAULT] host`). A host with servers on it is
    refused: nothing of it goes, and its VMs are not touched.
    """

    kind: ClassVar[str] = "exclusive-computes"
    computes: tuple[str, ...]
    agents: tuple[str, ...]

    @property
    def name(self) -> str:
        return "hosts"

    def desired(self, ctx: Context) -> State:
        return {"computes": (), "agents": (), "providers": ()}

    def read(self, ctx: Context) -> State | None:
        services, agents = self._services(ctx), self._agents(ctx)
        providers = self._providers(ctx)
        if services is None and agents is None and providers is None:
            return None
        return {
            "computes": tuple(sorted(str(each["host"]) for each in services or ())),
            "agents": tuple(sorted(f"{each['binary']}@{each['host']}" for each in agents or ())),
            "providers": tuple(sorted(str(each["name"]) for each in providers or ())),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        certain(ctx, self.access, "compute", _SERVICES, binary=_COMPUTE)
        services = self._services(ctx) or ()
        for each in services:
            refuse_used(ctx, self.access, str(each["host"]))
        for each in services:
            # Nova itself refuses where something came meanwhile. Not disabled first: that would ask the host, which
            # the bus no longer lets in
            call(ctx, self.access, "compute", "DELETE", f"{_SERVICES}/{each['id']}")
        for each in self._agents(ctx) or ():
            call(ctx, self.access, "network", "DELETE", f"{_AGENTS}/{each['id']}")
        forget(ctx, self.access, "placement", _PROVIDERS)  # Nova removes those of its own
        for each in self._providers(ctx) or ():
            call(ctx, self.access, "placement", "DELETE", f"{_PROVIDERS}/{each['uuid']}")

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "refused while such a host holds VMs" if changed(changes, "computes") else ""

    def _services(self, ctx: Context) -> list[JSON] | None:
        return leaving(ctx, self.access, self.computes)

    def _agents(self, ctx: Context) -> list[JSON] | None:
        found = listed(ctx, self.access, "network", _AGENTS)
        return None if found is None else [each for each in found if each["host"] not in self.agents]

    def _providers(self, ctx: Context) -> list[JSON] | None:
        """Providers of no compute; those that nest in another go with it. libvirt may know the full name."""
        found = listed(ctx, self.access, "placement", _PROVIDERS)
        if found is None:
            return None
        return [
            each
            for each in found
            if not each["parent_provider_uuid"]
            and not {each["name"], each["name"].partition(".")[0]} & {*self.computes}
        ]


def leaving(ctx: Context, access: CloudAccess, computes: tuple[str, ...]) -> list[JSON] | None:
    """The services of computes that are not among `computes`; None where Nova cannot be asked (yet)."""
    found = listed(ctx, access, "compute", _SERVICES, binary=_COMPUTE)
    if found is None:
        return None
    # without an id: Nova knows the host from its API's database alone, since the cell's does not answer
    return [each for each in found if "id" in each and each["host"] not in computes]


def servers(ctx: Context, access: CloudAccess, host: str) -> tuple[JSON, ...]:
    """Every project's servers on a host. Raises ResourceFailed where Nova cannot say."""
    return certain(ctx, access, "compute", "/servers/detail", all_tenants="1", host=host)


def held(ctx: Context, access: CloudAccess, host: str) -> tuple[JSON, ...]:
    """The same in short (id, name), which Nova tells without asking Neutron."""
    return certain(ctx, access, "compute", "/servers", all_tenants="1", host=host)


def refuse_used(ctx: Context, access: CloudAccess, host: str) -> None:
    """Raises ResourceFailed where there are servers on `host`."""
    found = held(ctx, access, host)
    if found:
        raise ResourceFailed(
            f"refused: {host} holds {count(found)}",
            tried=f"let {host} go, since the site no longer names it",
            output=tuple(f"{each['name']} ({each['id']})" for each in found[:10]),
            hint="name it in the site again with `drain: move` or `drain: stop`, apply, then take it out; or delete"
            f" them: openstack server list --all-projects --host {host}",
        )


def count(found: tuple[JSON, ...]) -> str:
    return f"{len(found)} VM{'s' if len(found) > 1 else ''}"
