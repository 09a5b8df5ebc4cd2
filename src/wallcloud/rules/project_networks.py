"""Networks of projects have names of their own, and their routers a place on a floating network."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.fields import nearest
from wallcloud.site.finding import Where
from wallcloud.site.model import Kind, ProjectNetwork, Site

_NONE = "none: leave `router` out, and the network is out of reach"


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    named = dict.fromkeys(site.networks, "the site")
    addresses: dict[IPv4Address, str] = {}
    for project, name, network in site.project_networks():
        path: Where = ("projects", project, "networks", name)
        if name in named:
            text = f'the network "{name}" of project "{project}" has the name of one of {named[name]}'
            yield Violation(path, text, "choose another name: the admin finds all of them in one list")
        named.setdefault(name, f'project "{project}"')
        if network.router is None:
            said = {"address": network.address is not None, "snat": not network.snat}
            for key in (key for key, given in said.items() if given):
                text = f'network "{name}": {key} says how its router is, and it has none'
                yield Violation((*path, key), text, "router: names the floating network where it stands")
        elif network.router not in site.networks_of(Kind.FLOATING):
            floating = site.networks_of(Kind.FLOATING)
            meant = nearest(network.router, list(floating)) if network.router not in site.networks else ""
            mend = f'did you mean "{meant}"?' if meant else f"the site has {', '.join(floating) or _NONE}"
            text = f'network "{name}": "{network.router}" is no floating network of the site'
            yield Violation((*path, "router"), text, mend)
        else:
            yield from _address(site, path, name, network)
            if network.address is not None and network.address in addresses:
                text = f'network "{name}": {network.address} is the router\'s of network "{addresses[network.address]}"'
                yield Violation((*path, "address"), text)
            elif network.address is not None:
                addresses[network.address] = name


def _address(site: Site, path: Where, name: str, network: ProjectNetwork) -> Iterator[Violation]:
    """Where the router stands: not where Neutron hands out, or a tenant might be there first."""
    around, address = site.networks[network.router or ""], network.address
    if address is None:
        return
    cidr = around.cidr
    if address not in cidr or address in (cidr.network_address, cidr.broadcast_address):
        text = f'network "{name}": {address} is no address for hosts in {cidr} of "{network.router}"'
    elif address == around.gateway:
        text = f'network "{name}": {address} is the physical router\'s on "{network.router}"'
    elif around.pool is not None and address in around.pool:
        text = f'network "{name}": {address} is in the pool {around.pool} of "{network.router}"'
    else:
        return
    yield Violation((*path, "address"), text)


RULE = Rule(
    id="project-networks",
    forbids="networks of projects with another's name, or whose router stands where it cannot",
    why="Neutron would take one network for the other, and the physical router's routes would lead to somebody else",
    mend="choose an address of the floating network that is outside its pool and nobody else's",
    check=_check,
)
