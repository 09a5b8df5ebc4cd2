"""Every network has enough addresses for its nodes."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import FIRST_HOST, AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, network in site.networks.items():
        if not network.kind.addressed:
            continue
        nodes = [node for node in site.nodes if name in site.nodes[node].interfaces]
        without = [node for node in nodes if plan.address(node, name) is None]
        if without:
            text = (
                f'network "{name}": {network.cidr} has no address left for {len(without)} of {len(nodes)} nodes, '
                f'the first of them "{without[0]}" (they are handed out from host {FIRST_HOST} on)'
            )
            yield Violation(("networks", name, "cidr"), text)


RULE = Rule(
    id="addresses-left",
    forbids="a network with fewer free addresses than nodes",
    why="a node without an address on a network that its role needs cannot work",
    mend="use a wider network or a smaller pool, or write the nodes' addresses (hosts 1 to 10 are never handed out)",
    check=_check,
)
