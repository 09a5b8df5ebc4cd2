"""CIDRs are ordinary unicast networks with room for nodes."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.finding import Where
from wallcloud.site.model import Site

# RFC 6890 and the registries that it names.
SPECIAL: dict[IPv4Network | IPv6Network, str] = {
    IPv4Network("0.0.0.0/8"): '"this network"',
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("169.254.0.0/16"): "link-local",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
    IPv6Network("::/127"): "loopback",
    IPv6Network("fe80::/10"): "link-local",
    IPv6Network("ff00::/8"): "multicast",
}


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, network in site.networks.items():
        path: Where = ("networks", name, "cidr")
        yield from _hosts(path, name, network.cidr)
        if network.cidr6 is not None:
            path = ("networks", name, "cidr6")
            yield from _special(path, f'network "{name}"', network.cidr6)
            if network.cidr6.prefixlen != 64:
                text = f'network "{name}": the IPv6 network {network.cidr6} is not a /64'
                yield Violation(path, text, "IPv6 networks of hosts are /64 (RFC 4291)")
    for project, name, made in site.project_networks():
        yield from _hosts(("projects", project, "networks", name, "cidr"), name, made.cidr)
    for index, prefix in enumerate(site.admin_prefixes):
        yield from _special(("admin_prefixes", index), "admin prefix", prefix)


def _hosts(path: Where, name: str, cidr: IPv4Network) -> Iterator[Violation]:
    yield from _special(path, f'network "{name}"', cidr)
    if not 8 <= cidr.prefixlen <= 29:
        text = f'network "{name}": a /{cidr.prefixlen} is no size for a network of hosts'
        yield Violation(path, text, "use a prefix length from 8 to 29; 24 is usual")


def _special(path: Where, what: str, cidr: IPv4Network | IPv6Network) -> Iterator[Violation]:
    if cidr.prefixlen < 8:
        return  # so wide that it holds everything: told by its size, or by management-no-default-route
    for special, name in SPECIAL.items():
        if special.version == cidr.version and special.overlaps(cidr):
            mend = "use a network of yours under fd00::/8 (RFC 4193), or a global one" if cidr.version == 6 else ""
            yield Violation(path, f"{what}: {cidr} is {name} ({special}), nothing for hosts", mend)


RULE = Rule(
    id="cidr-usable",
    forbids="loopback, link-local, multicast and reserved networks, and those too small or too large for hosts",
    why="hosts treat those ranges specially (169.254.169.254 is the guests' metadata), whatever the design says",
    mend="use a network of yours: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, or 198.18.0.0/15 in a lab",
    check=_check,
)
