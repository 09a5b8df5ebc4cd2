"""Compute nodes reach every flat network."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name in site.nodes_with(Role.COMPUTE):
        node = site.nodes[name]
        if Role.NETWORK in node.roles:
            continue  # role-networks asks for it already
        for network in site.networks_of(Kind.FLAT):
            if network not in node.interfaces:
                text = f'compute node "{name}" has no interface on the flat network "{network}"'
                yield Violation(("nodes", name, "interfaces"), text)


RULE = Rule(
    id="compute-reaches-flat",
    forbids="a compute node without an interface on some flat network",
    why="flat networks are shared by all tenants; a VM on one that lands on this node cannot be attached",
    mend="add the interface, or expect such VMs to be refused on this node",
    check=_check,
    severity="warning",
)
