"""The public network touches api nodes only."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import only, roles
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node, network in only(site, Kind.PUBLIC, {Role.API}):
        text = f'{roles(node)} node "{name}" stands on the public network "{network}"'
        yield Violation(("nodes", name, "interfaces", network), text)


RULE = Rule(
    id="public-api-only",
    forbids="an interface on the public network of any node but api nodes",
    why="what tenants and the outside can reach is one door: the api node",
    mend="remove the interface; tenants' VMs go outside through floating and flat networks",
    check=_check,
)
