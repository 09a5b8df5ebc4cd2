"""Addresses written for nodes are free host addresses of their networks."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import home, lacks
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Network, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        for network_name, address in node.addresses.items():
            path = ("nodes", name, "addresses", network_name)
            network = site.networks.get(network_name)
            if network is None:
                continue  # interface-known names it
            if network_name not in node.interfaces and not lacks(site, node, network_name):
                continue  # interface-known names the misspelt one
            if network_name not in node.interfaces:
                text = f'node "{name}" has an address on "{network_name}", but no interface there'
                mend = f"add to its interfaces: {network_name}: NAME-OF-INTERFACE; or remove the address"
                yield Violation(path, text, mend)
            elif not network.kind.addressed:
                text = f'node "{name}" has an address on the {network.kind} network "{network_name}"'
                mend = "remove it: interfaces on floating and flat networks are ports of bridges without an address"
                yield Violation(path, text, mend)
            elif wrong := _wrong(network, address):
                swapped = home(site, address) if address not in network.cidr else ""
                yield Violation(path, f'node "{name}": {address} {wrong} "{network_name}"', swapped)


def _wrong(network: Network, address: IPv4Address) -> str:
    if address not in network.cidr:
        return f"is not in {network.cidr}, the network"
    if address == network.cidr.network_address:
        return "is the network's own address on"
    if address == network.cidr.broadcast_address:
        return "is the broadcast address of"
    if address == network.gateway:
        return "is the gateway of"
    if network.pool is not None and address in network.pool:
        return f"is in the pool {network.pool} of"
    return ""


RULE = Rule(
    id="addresses-inside",
    forbids="a node's address outside its network, or one that belongs to the network, its gateway or its pool",
    why="the node would be unreachable, or answer for the router or a tenant",
    mend="write a free host address of the network, or remove the line: Wallcloud then hands one out",
    check=_check,
)
