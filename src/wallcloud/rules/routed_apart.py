"""Networks that are routed without translation have a floating network for themselves, where tenants have the API."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    if not site.nodes_with(Role.API):
        return
    for project, name, network in site.project_networks():
        if network.router and not network.snat:
            text = f'network "{name}" is routed by the floating network "{network.router}", where tenants have routers'
            yield Violation(("projects", project, "networks", name, "snat"), text)


RULE = Rule(
    id="routed-apart",
    forbids="snat: false on a floating network where tenants with the API have routers",
    why="there nothing keeps a route to a tenant's private addresses, through its router, from leading there: its VMs' "
    "security groups judge alone",
    mend="snat: true, or no public API (docs/decisions/0032)",
    check=_check,
    severity="warning",
)
