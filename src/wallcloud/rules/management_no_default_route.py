"""No default route on management."""

from collections.abc import Iterator
from ipaddress import collapse_addresses

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site

SHORTEST = 8
"""A prefix of fewer bits is a default route in two or more pieces."""


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    wide = [(index, prefix) for index, prefix in enumerate(site.admin_prefixes) if prefix.prefixlen < SHORTEST]
    for index, prefix in wide:
        what = "a default route" if prefix.prefixlen == 0 else f"wider than a /{SHORTEST}: as good as a default route"
        yield Violation(("admin_prefixes", index), f"the admin prefix {prefix} on management is {what}")
    merged = list(collapse_addresses(site.admin_prefixes))
    if not wide and any(prefix.prefixlen < SHORTEST for prefix in merged):
        text = f"the admin prefixes together are {merged[0]}, wider than a /{SHORTEST}: as good as a default route"
        yield Violation(("admin_prefixes",), text)


RULE = Rule(
    id="management-no-default-route",
    forbids="admin prefixes that amount to a default route on management",
    why="management has named routes back to admins and no other, so that nothing leaves that way by itself",
    mend="name the networks where admins' workstations or jump hosts are, like 198.18.1.0/24",
    check=_check,
)
