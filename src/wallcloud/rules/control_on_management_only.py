"""The control node stands on management and nowhere else."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name in site.nodes_with(Role.CONTROL):
        for network in site.nodes[name].interfaces:
            kind = site.networks[network].kind if network in site.networks else Kind.MANAGEMENT
            if kind is not Kind.MANAGEMENT:
                text = f'control node "{name}" stands on the {kind} network "{network}"'
                yield Violation(("nodes", name, "interfaces", network), text)


RULE = Rule(
    id="control-on-management-only",
    forbids="an interface of a control node on any network but management",
    why="tenants must never reach the node that administers the cloud, nor may it forward a packet of theirs",
    mend="remove the interface: tenants' APIs are served by an api node, their packets by network and compute nodes",
    check=_check,
)
