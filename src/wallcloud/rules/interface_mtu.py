"""A card takes the largest packets of the networks that are tagged on it."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        known = {network: card for network, card in node.interfaces.items() if network in site.networks}
        untagged = {card: site.networks[network] for network, card in known.items() if not site.networks[network].vlan}
        for network, card in known.items():
            mtu, vlan = site.networks[network].mtu, site.networks[network].vlan
            if vlan and card in untagged and mtu > untagged[card].mtu:
                text = (
                    f'node "{name}": network "{network}" has an MTU of {mtu}, and is tagged on {card}, '
                    f"whose untagged network has one of {untagged[card].mtu}"
                )
                yield Violation(("nodes", name, "interfaces", network), text)


RULE = Rule(
    id="interface-mtu",
    forbids="a network tagged on a card whose untagged network has a smaller MTU",
    why="the card would cut off the larger packets, or send on its untagged network what nobody there takes",
    mend="give the untagged network the same mtu where its switches carry it, or use another interface",
    check=_check,
)
