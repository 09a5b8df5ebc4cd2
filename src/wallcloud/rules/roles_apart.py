"""Control and api are combined with nothing."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import roles
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        path = ("nodes", name, "roles")
        if len(set(node.roles)) < len(node.roles):
            yield Violation(path, f'node "{name}" has a role twice: {roles(node)}', "name each role once")
        alone = [role for role in (Role.CONTROL, Role.API) if role in node.roles]
        if alone and len(set(node.roles)) > 1:
            yield Violation(path, f'node "{name}" combines {roles(node)}: the {alone[0]} role is combined with nothing')


RULE = Rule(
    id="roles-apart",
    forbids="control or api together with any other role on one node",
    why="a tenant who breaks into the api node, or out of a VM, must not find the control plane there",
    mend="give each of them a node of its own; only network and compute may share one",
    check=_check,
)
