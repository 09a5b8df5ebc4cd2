"""Whom tenants' names are asked of is neither inside the site's own networks nor a tenant."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules.cidr_usable import SPECIAL
from wallcloud.rules.management_no_default_route import SHORTEST
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for index, resolver in enumerate(site.dns.resolvers):
        if wrong := _wrong(site, resolver):
            yield Violation(("dns", "resolvers", index), f"the resolver {resolver} {wrong}")


def _wrong(site: Site, resolver: IPv4Address) -> str:
    for special, what in SPECIAL.items():
        if resolver in special:
            return f"is {what} ({special}), nobody else's address"
    for prefix in site.admin_prefixes:
        # Without an api node VMs ask by themselves, through the physical routers.
        if resolver in prefix and prefix.prefixlen >= SHORTEST and site.nodes_with(Role.API):
            return f"is in the admin prefix {prefix}: the api node's way there is management"
    for name, network in site.networks.items():
        if resolver not in network.cidr:
            continue
        if network.kind in (Kind.MANAGEMENT, Kind.OVERLAY):
            return f'is on the {network.kind} network "{name}", where nothing of tenants rides'
        if network.pool is not None and resolver in network.pool:
            return f'is in the pool of "{name}": a tenant may be given it'
        if resolver in (network.cidr.network_address, network.cidr.broadcast_address):
            return f'is no address for hosts on "{name}"'
    for project, name, made in site.project_networks():
        if resolver in made.cidr:
            return f'is in the network "{name}" of project "{project}"'
        if resolver == made.address:
            return f'is the router of the network "{name}" of project "{project}"'
    return ""


RULE = Rule(
    id="resolvers-apart",
    forbids="a resolver on management, on the overlay, in an admin prefix, or where a tenant may be",
    why="tenants' questions would ride on management; a tenant who answers all others leads them where it likes",
    mend="name a server that the public network's router reaches, or take the line out",
    check=_check,
)
