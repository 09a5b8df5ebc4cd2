"""No two networks overlap, those of projects too, nor do admin prefixes."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from itertools import combinations

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.finding import Where
from wallcloud.site.model import Site

SHOWN = 4
"""Of what one network overlaps, no more are named."""
Claim = tuple[Where, str, IPv4Network | IPv6Network]


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    claims: list[Claim] = []
    for name, network in site.networks.items():
        claims.append((("networks", name, "cidr"), f'network "{name}"', network.cidr))
        if network.cidr6 is not None:
            claims.append((("networks", name, "cidr6"), f'network "{name}"', network.cidr6))
    for index, prefix in enumerate(site.admin_prefixes):
        # One that is a default route overlaps everything; that rule says so once.
        if prefix.prefixlen >= 8:
            claims.append((("admin_prefixes", index), "admin prefix", prefix))
    for project, name, made in site.project_networks():
        path: Where = ("projects", project, "networks", name, "cidr")
        claims.append((path, f'network "{name}" of project "{project}"', made.cidr))
    clashes: dict[int, set[int]] = defaultdict(set)
    for (one, (*_, first)), (other, (*_, second)) in combinations(enumerate(claims), 2):
        if first.version == second.version and first.overlaps(second):
            clashes[one].add(other)
            clashes[other].add(one)
    # The one that is in the way of most others is told, with all of them; of two the later one in the file.
    while any(clashes.values()):
        worst = max(clashes, key=lambda index: (len(clashes[index]), index))
        path, what, cidr = claims[worst]
        others = [f"{claims[index][2]} of {claims[index][1]}" for index in sorted(clashes.pop(worst))]
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        yield Violation(path, f"{what}: {cidr} overlaps {', '.join(others[:SHOWN])}{more}")
        for rest in clashes.values():
            rest.discard(worst)


RULE = Rule(
    id="cidrs-disjoint",
    forbids="networks of the site or of its projects that overlap each other or an admin prefix",
    why="an address must tell the network that it is on: firewall, routes and proofs all stand on that",
    mend="choose another network for one of them; an admin prefix lies outside all networks of the site",
    check=_check,
)
