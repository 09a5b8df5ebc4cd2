"""Flat networks touch network and compute nodes only."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import only, roles
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node, network in only(site, Kind.FLAT, {Role.NETWORK, Role.COMPUTE}):
        text = f'{roles(node)} node "{name}" stands on the flat network "{network}"'
        yield Violation(("nodes", name, "interfaces", network), text)


RULE = Rule(
    id="flat-members",
    forbids="an interface on a flat network of any node but network and compute nodes",
    why="flat networks are full of tenants' VMs; only the nodes that plug them in stand there",
    mend="remove the interface",
    check=_check,
)
