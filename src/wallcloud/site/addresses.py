"""The address plan: which node has which address on the networks where nodes have addresses. Pure arithmetic.

Addresses written in the site stand. The others are handed out network by network, in the order of the nodes in the
file, from host 11 on, skipping the gateway, the network's pool, time servers, resolvers and the written addresses.
Where a network is full the plan leaves the address out; `wallcloud.rules` reports it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from ipaddress import IPv4Address, IPv4Interface

from wallcloud.frozen import frozen
from wallcloud.site.model import Network, Site

FIRST_HOST = 11
"""Counted from the network's address: .11 in a /24. Below it operators keep routers and switches."""


@frozen
class AddressPlan:
    """Addresses by (node, network), in the order of the site's networks, then nodes."""

    site: Site = field(repr=False)
    addresses: Mapping[tuple[str, str], IPv4Address]

    def address(self, node: str, network: str) -> IPv4Address | None:
        """The node's address on a network, or None where it has none."""
        return self.addresses.get((node, network))

    def interface(self, node: str, network: str) -> IPv4Interface | None:
        """The address with the network's prefix length, as `ip address` wants it."""
        address = self.address(node, network)
        return None if address is None else IPv4Interface((address, self.site.networks[network].cidr.prefixlen))

    def items(self) -> Iterator[tuple[tuple[str, str], IPv4Address]]:
        """All of them: ((node, network), address)."""
        return iter(self.addresses.items())


def plan(site: Site) -> AddressPlan:
    """The plan of any site that the model accepts, also of one that breaks rules."""
    addresses: dict[tuple[str, str], IPv4Address] = {}
    for name, network in site.networks.items():
        if not network.kind.addressed:
            continue
        nodes = [node for node in site.nodes if name in site.nodes[node].interfaces]
        written = {node: site.nodes[node].addresses[name] for node in nodes if name in site.nodes[node].addresses}
        free = _free(network, {*written.values(), *site.time.servers, *site.dns.resolvers})
        for node in nodes:
            address = written.get(node) or next(free, None)
            if address is not None:
                addresses[node, name] = address
    return AddressPlan(site, addresses)


def _free(network: Network, taken: set[IPv4Address]) -> Iterator[IPv4Address]:
    """Addresses to hand out, ascending. Jumps over the pool, which may be millions wide."""
    number = int(network.cidr.network_address) + FIRST_HOST
    while number < int(network.cidr.broadcast_address):
        address = IPv4Address(number)
        if network.pool is not None and address in network.pool:
            number = int(network.pool.last) + 1
            continue
        if address != network.gateway and address not in taken:
            yield address
        number += 1
