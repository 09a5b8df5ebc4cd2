"""The control node can reach its time servers."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    reach = [site.networks[name].cidr for name in site.networks_of(Kind.MANAGEMENT)[:1]] + [*site.admin_prefixes]
    for index, server in enumerate(site.time.servers):
        if not any(server in network for network in reach):
            text = (
                f"control has no route to the time server {server}: it is neither on management nor in an admin prefix"
            )
            yield Violation(("time", "servers", index), text)


RULE = Rule(
    id="time-reachable",
    forbids="time servers that are neither on management nor in an admin prefix",
    why="management has no default route; tokens and certificates of nodes with wrong clocks are refused",
    mend="name a server on management (routers often serve NTP) or in an admin prefix",
    check=_check,
)
