"""Exactly one control node, at most one api node."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    if not site.nodes_with(Role.CONTROL):
        mend = "add one: control: {roles: [control], interfaces: {management: eth0}}"
        yield Violation(("nodes",), "no node has the control role", mend)
    for role in (Role.CONTROL, Role.API):
        names = site.nodes_with(role)
        for name in names[1:]:
            text = f'node "{name}" has the {role} role, and "{names[0]}" has it already'
            yield Violation(("nodes", name, "roles"), text)


RULE = Rule(
    id="one-control",
    forbids="a site without a control node, with several, or with several api nodes",
    why="high availability of the management components is not covered; two databases would be two clouds",
    mend="keep one of them: high availability of control and api is not covered",
    check=_check,
)
