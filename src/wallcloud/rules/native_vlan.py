"""Where networks are tagged on a card, no outsider's network is its untagged one."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site

INSIDE = (Kind.MANAGEMENT, Kind.OVERLAY)


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        known = {network: card for network, card in node.interfaces.items() if network in site.networks}
        for network, card in known.items():
            if site.networks[network].vlan or site.networks[network].kind in INSIDE:
                continue
            inside = [
                other
                for other in known
                if known[other] == card and site.networks[other].vlan and site.networks[other].kind in INSIDE
            ]
            if inside:
                kind = site.networks[network].kind
                text = (
                    f'node "{name}": the {kind} network "{network}" is untagged on {card}, '
                    f"where {' and '.join(inside)} {'is' if len(inside) == 1 else 'are'} tagged"
                )
                yield Violation(("nodes", name, "interfaces", network), text)


RULE = Rule(
    id="native-vlan",
    forbids="a public, floating or flat network that is untagged on a card where management or the overlay is tagged",
    why="who sends frames with two tags on a trunk's untagged VLAN can have the switch deliver them in the tagged one",
    mend="give that network a VLAN of its own (vlan: 1 to 4094), or another interface",
    check=_check,
    severity="warning",
)
