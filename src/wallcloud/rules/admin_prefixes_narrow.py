"""Admin prefixes hold admins, and not the whole office."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules.management_no_default_route import RULE as NO_DEFAULT_ROUTE
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site

SHORTEST = 20
"""4096 addresses: more are an organization, not the people who run its cloud."""


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    if any(True for _ in NO_DEFAULT_ROUTE.check(site, plan)):
        return  # so wide that they are told already
    for index, prefix in enumerate(site.admin_prefixes):
        if prefix.prefixlen < SHORTEST:
            text = f"the admin prefix {prefix} lets {prefix.num_addresses} addresses ask for SSH and the admins' APIs"
            yield Violation(("admin_prefixes", index), text)


RULE = Rule(
    id="admin-prefixes-narrow",
    forbids=f"an admin prefix wider than a /{SHORTEST}",
    why="tenants sit in the office: whoever is in an admin prefix can knock at every node and at the admins' APIs",
    mend="name the networks of admins' workstations or jump hosts alone; tenants come to the public network",
    check=_check,
    severity="warning",
)
