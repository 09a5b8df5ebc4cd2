"""The overlay carries tenants' packets of 1500 bytes whole."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site

TENANT_MTU = 1500
VXLAN_OVERHEAD = 50
"""Bytes: inner Ethernet 14, VXLAN 8, UDP 8, outer IPv4 20 (RFC 7348)."""


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name in site.networks_of(Kind.OVERLAY):
        mtu = site.networks[name].mtu
        if mtu < TENANT_MTU + VXLAN_OVERHEAD:
            left = mtu - VXLAN_OVERHEAD
            text = (
                f'the overlay network "{name}" has an MTU of {mtu}: '
                f"tenant networks get {left} ({mtu} - {VXLAN_OVERHEAD} for VXLAN), less than {TENANT_MTU}"
            )
            yield Violation(("networks", name, "mtu"), text)


RULE = Rule(
    id="overlay-mtu",
    forbids=f"an overlay with an MTU under {TENANT_MTU + VXLAN_OVERHEAD}",
    why="guests and images that insist on 1500 bytes lose large packets without a word",
    mend=f"mtu: {TENANT_MTU + VXLAN_OVERHEAD} or more, where the switches of this network carry it",
    check=_check,
    severity="warning",
)
