"""SSH comes to nodes on management."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        try:
            address = IPv4Address(node.ssh or "")
        except ValueError:
            continue  # a name: what it means is the resolver's or ~/.ssh/config's to say
        path = ("nodes", name, "ssh")
        for network_name, network in site.networks.items():
            if address not in network.cidr:
                continue
            if network.kind is not Kind.MANAGEMENT:
                text = f'node "{name}": SSH would come to {address} on the {network.kind} network "{network_name}"'
                yield Violation(path, text)
            elif (own := plan.address(name, network_name)) not in (None, address):
                text = f'node "{name}": SSH goes to {address}, and its address on "{network_name}" is {own}'
                mend = f"addresses: {{{network_name}: {address}}} where that is what the node has; else leave ssh out"
                yield Violation(path, text, mend)


RULE = Rule(
    id="ssh-on-management",
    forbids="SSH to a node's address on another network than management, or to an address there that is not the node's",
    why="the firewall lets SSH in on management alone: the first apply would shut the door that it came through",
    mend="leave `ssh` out: it is the node's management address then",
    check=_check,
)
