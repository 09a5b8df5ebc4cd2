"""Interfaces and addresses name networks of the site."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.fields import nearest
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        for key, networks in (("interfaces", node.interfaces), ("addresses", node.addresses)):
            for network in networks:
                if network not in site.networks:
                    meant = nearest(network, list(site.networks))
                    mend = f'did you mean "{meant}"?' if meant else f"networks here: {', '.join(site.networks)}"
                    text = f'node "{name}": {key} names the network "{network}", which the site does not have'
                    yield Violation(("nodes", name, key, network), text, mend)


RULE = Rule(
    id="interface-known",
    forbids="interfaces and addresses on networks that are not declared",
    why="a name that means nothing is a typing error that would leave a wire unplugged",
    mend="declare the network under networks",
    check=_check,
)
