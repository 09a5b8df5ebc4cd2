"""At least one network node and one compute node."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for role in (Role.NETWORK, Role.COMPUTE):
        if not site.nodes_with(role):
            yield Violation(("nodes",), f"no node has the {role} role")


RULE = Rule(
    id="roles-filled",
    forbids="a site without a network node or without a compute node",
    why="without them no router, no DHCP and no VM can be anywhere; the api role alone may be absent",
    mend="add a node, or combine both: roles: [network, compute]",
    check=_check,
)
