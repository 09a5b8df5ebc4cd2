"""No address belongs to two."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    owners: dict[IPv4Address, str] = dict.fromkeys(site.time.servers, "a time server")
    owners |= dict.fromkeys(site.dns.resolvers, "a resolver")
    for name, node in site.nodes.items():
        for network, address in node.addresses.items():
            owner = owners.get(address)
            if owner is not None:
                text = f'node "{name}": {address} is the address of {owner} already'
                yield Violation(("nodes", name, "addresses", network), text)
            owners.setdefault(address, f'node "{name}"')


RULE = Rule(
    id="addresses-unique",
    forbids="one address for two nodes, or for a node and a time server or resolver of the site",
    why="two hosts that answer for one address take each other's connections by turns",
    mend="write another address, or remove the line: Wallcloud then hands one out",
    check=_check,
)
