"""Floating networks touch network nodes only."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import only, roles
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node, network in only(site, Kind.FLOATING, {Role.NETWORK}):
        text = f'{roles(node)} node "{name}" stands on the floating network "{network}"'
        yield Violation(("nodes", name, "interfaces", network), text)


RULE = Rule(
    id="floating-network-only",
    forbids="an interface on a floating network of any node but network nodes",
    why="tenants' routers are the only members of a floating pool, and routers live on network nodes",
    mend="remove the interface, or give the node the network role",
    check=_check,
)
