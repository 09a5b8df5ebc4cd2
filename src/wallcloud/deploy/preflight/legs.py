"""Legs: where each node stands on each network, and of which addresses it asks there."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import islice

from wallcloud.site.addresses import AddressPlan, plan
from wallcloud.site.model import Network, Site

SWEPT = 1024
"""Addresses of a pool that are asked for, at most: a /22. Of a larger one the first ones, where people take theirs."""


@dataclass(frozen=True)
class Leg:
    """A node's interface (and VLAN) on a network. `number` is what its packets carry; `mtu` in bytes of IP packet."""

    number: int
    node: str
    network: str
    interface: str
    vlan: int | None
    mtu: int
    address: IPv4Address | None
    """The node's own there, as the site says; None where it shall have none."""
    gateway: IPv4Address | None
    swept: tuple[IPv4Address, ...]
    """Those of the network's pool, which this node asks for all."""

    @property
    def device(self) -> str:
        """As people write it: `eth0`, or `eth0, VLAN 20`."""
        return self.interface if self.vlan is None else f"{self.interface}, VLAN {self.vlan}"

    @property
    def path(self) -> tuple[str, ...]:
        """Where the site says it."""
        return ("nodes", self.node, "interfaces", self.network)

    def order(self) -> dict[str, object]:
        """What the node is told."""
        own = tuple(address for address in (self.address, self.gateway) if address)
        asked = [str(address) for address in (*own, *self.swept)]
        return {
            "number": self.number,
            "interface": self.interface,
            "vlan": self.vlan,
            "mtu": self.mtu,
            "asked": asked,
        }


def legs(site: Site) -> tuple[Leg, ...]:
    """All legs of a site, in the order of its nodes. The first node on a network asks for its pool."""
    return tuple(_legs(site, plan(site)))


def _legs(site: Site, addresses: AddressPlan) -> Iterator[Leg]:
    swept: set[str] = set()
    number = 0
    for name, node in site.nodes.items():
        for network_name, interface in node.interfaces.items():
            network = site.networks[network_name]
            yield Leg(
                number=number,
                node=name,
                network=network_name,
                interface=interface,
                vlan=network.vlan,
                mtu=network.mtu,
                address=addresses.address(name, network_name),
                gateway=network.gateway,
                swept=() if network_name in swept else tuple(_pool(network)),
            )
            swept.add(network_name)
            number += 1


def _pool(network: Network) -> Iterator[IPv4Address]:
    if network.pool is not None and not network.kind.addressed:
        first, last = int(network.pool.first), int(network.pool.last)
        yield from map(IPv4Address, islice(range(first, last + 1), SWEPT))
