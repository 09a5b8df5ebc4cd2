"""Interfaces and addresses name networks of the site."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import meant
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.fields import short
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        for key, networks in (("interfaces", node.interfaces), ("addresses", node.addresses)):
            for network in networks:
                if network not in site.networks:
                    right = meant(site, node, network)
                    mend = (
                        f'did you mean "{right}"?' if right else f"networks here: {', '.join(site.networks) or 'none'}"
                    )
                    if key == "interfaces" and node.interfaces[network] == right:
                        mend = f"the network stands first, then its interface: {right}: {network}"
                    text = f'node "{name}": {key} names the network {short(network)}, which the site does not have'
                    yield Violation(("nodes", name, key, network), text, mend)


RULE = Rule(
    id="interface-known",
    forbids="interfaces and addresses on networks that are not declared",
    why="a name that means nothing is a typing error that would leave a wire unplugged",
    mend="declare the network under networks",
    check=_check,
)
