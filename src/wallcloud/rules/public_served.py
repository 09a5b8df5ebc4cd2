"""A public network has an api node."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    if not site.nodes_with(Role.API):
        for name in site.networks_of(Kind.PUBLIC):
            yield Violation(("networks", name), f'the public network "{name}" has no api node')


RULE = Rule(
    id="public-served",
    forbids="a public network without an api node",
    why="the site promises tenants a door that nobody opens",
    mend="add an api node, or remove the network: a site without a public door is for admins only",
    check=_check,
    severity="warning",
)
