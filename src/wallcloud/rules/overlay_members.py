"""The overlay touches network and compute nodes only."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import only, roles
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node, network in only(site, Kind.OVERLAY, {Role.NETWORK, Role.COMPUTE}):
        text = f'{roles(node)} node "{name}" stands on the overlay network "{network}"'
        yield Violation(("nodes", name, "interfaces", network), text)


RULE = Rule(
    id="overlay-members",
    forbids="an interface on the overlay of any node but network and compute nodes",
    why="VXLAN is plaintext: who stands on the overlay can read and send the packets of every tenant",
    mend="remove the interface",
    check=_check,
)
