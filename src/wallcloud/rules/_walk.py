"""Short words for what several rules ask of a site."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from wallcloud.site.fields import nearest
from wallcloud.site.model import Kind, Network, Node, Role, Site


def attached(site: Site, kind: Kind) -> Iterator[tuple[str, Node, str, Network]]:
    """Every (node's name, node, network's name, network) where a node has an interface on a network of a kind."""
    for node_name, node in site.nodes.items():
        for network_name in node.interfaces:
            network = site.networks.get(network_name)
            if network is not None and network.kind is kind:
                yield node_name, node, network_name, network


def roles(node: Node) -> str:
    """`network and compute`."""
    return " and ".join(role.value for role in node.roles)


def home(site: Site, address: IPv4Address | None) -> str:
    """A hint where an address belongs that is not in the network where it is written; nothing where nowhere."""
    for name, network in site.networks.items():
        if address is not None and address in network.cidr:
            return f'{address} is in {network.cidr}, the network "{name}": are the two swapped?'
    return ""


def meant(site: Site, node: Node, network: str) -> str:
    """The network that an undeclared name among a node's interfaces stands for; nothing where nobody can know."""
    swapped = node.interfaces.get(network, "")
    return swapped if swapped in site.networks else nearest(network, list(site.networks))


def lacks(site: Site, node: Node, network: str) -> bool:
    """Whether a node has no interface on a network, nor one under a name that stands for it."""
    if network in node.interfaces:
        return False
    return all(meant(site, node, name) != network for name in node.interfaces if name not in site.networks)


def only(site: Site, kind: Kind, allowed: set[Role]) -> Iterator[tuple[str, Node, str]]:
    """Attachments to networks of a kind by nodes with none of the allowed roles: (node's name, node, network's name).

    Control nodes are left to the rule that keeps them on management, so that one mistake is told once.
    """
    for node_name, node, network_name, _ in attached(site, kind):
        if not allowed & set(node.roles) and Role.CONTROL not in node.roles:
            yield node_name, node, network_name
