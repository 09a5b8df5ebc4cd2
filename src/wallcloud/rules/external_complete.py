"""Floating and flat networks have a gateway and a pool."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, network in site.networks.items():
        if network.kind not in (Kind.FLOATING, Kind.FLAT):
            continue
        lacks = [key for key, value in (("gateway", network.gateway), ("pool", network.pool)) if value is None]
        if lacks:
            hints = {
                "gateway": "gateway: the physical router's address",
                "pool": "pool: FIRST-LAST, the addresses for tenants",
            }
            text = f'the {network.kind} network "{name}" has no {" and no ".join(lacks)}'
            yield Violation(("networks", name), text, "add " + ", and ".join(hints[key] for key in lacks))


RULE = Rule(
    id="external-complete",
    forbids="a floating or flat network without gateway or pool",
    why="a physical router serves these networks, and others may live there: tenants get what the pool says, no more",
    mend="add gateway and pool",
    check=_check,
)
