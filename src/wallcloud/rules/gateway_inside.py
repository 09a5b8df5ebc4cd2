"""Gateways are host addresses of their networks."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import home
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, network in site.networks.items():
        gateway, cidr, path = network.gateway, network.cidr, ("networks", name, "gateway")
        if gateway is not None and gateway not in cidr:
            yield Violation(path, f'network "{name}": the gateway {gateway} is not in {cidr}', home(site, gateway))
        elif gateway in (cidr.network_address, cidr.broadcast_address):
            which = "network's own" if gateway == cidr.network_address else "broadcast"
            yield Violation(path, f'network "{name}": the gateway {gateway} is the {which} address of {cidr}')
        gateway6, cidr6, path = network.gateway6, network.cidr6, ("networks", name, "gateway6")
        if gateway6 is None or gateway6.is_link_local:
            continue
        if cidr6 is None:
            text = f'network "{name}" has a gateway6 and no cidr6'
            yield Violation(path, text, "add cidr6, or remove gateway6")
        elif gateway6 not in cidr6 or gateway6 == cidr6.network_address:
            yield Violation(path, f'network "{name}": the gateway {gateway6} is no host address of {cidr6}')


RULE = Rule(
    id="gateway-inside",
    forbids="a gateway outside its network, or its network or broadcast address",
    why="a next hop that is not on the wire cannot be reached",
    mend="write the address that the router has on this network, often the first host",
    check=_check,
)
