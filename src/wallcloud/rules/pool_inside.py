"""Pools lie inside their network, clear of its gateway."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import home
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, network in site.networks.items():
        pool, cidr, path = network.pool, network.cidr, ("networks", name, "pool")
        if pool is None:
            continue
        if pool.first not in cidr or pool.last not in cidr:
            swapped = home(site, pool.first) if pool.first not in cidr and pool.last not in cidr else ""
            yield Violation(path, f'network "{name}": the pool {pool} is not inside {cidr}', swapped)
            continue
        for address, what in (
            (cidr.network_address, "the network's own address"),
            (cidr.broadcast_address, "the broadcast address"),
            (network.gateway, "the gateway"),
        ):
            if address in pool:
                yield Violation(path, f'network "{name}": the pool {pool} holds {what}, {address}')


RULE = Rule(
    id="pool-inside",
    forbids="a pool that leaves its network or holds its gateway, network or broadcast address",
    why="Neutron would hand the router's address to a tenant, who then receives everybody's packets",
    mend="begin the pool after the gateway and end it before the broadcast address",
    check=_check,
)
