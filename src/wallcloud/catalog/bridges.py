"""Bridges of Open vSwitch: which network of the site is plugged into which, on the nodes that have it."""

from __future__ import annotations

from hashlib import sha256

from wallcloud.site.model import Kind, Role, Site

INTEGRATION = "br-int"
TUNNELS = "br-tun"
OVERLAY = "br-overlay"
_LONGEST = 15  # bytes of an interface's name (IFNAMSIZ - 1), which a bridge's is too
_BRIDGED = (Kind.OVERLAY, Kind.FLOATING, Kind.FLAT)


def of(site: Site, node: str) -> dict[str, str]:
    """Network → bridge on a node, for the networks that are bridged there; nothing on nodes without Open vSwitch."""
    if not {Role.NETWORK, Role.COMPUTE} & set(site.nodes[node].roles):
        return {}
    kinds = {name: site.networks[name].kind for name in site.nodes[node].interfaces}
    return {name: _bridge(name, kind) for name, kind in kinds.items() if kind in _BRIDGED}


def physical(site: Site, node: str) -> dict[str, str]:
    """As `of`, without the overlay: the networks whose frames Neutron sends out untouched."""
    return {name: bridge for name, bridge in of(site, node).items() if bridge != OVERLAY}


def _bridge(network: str, kind: Kind) -> str:
    if kind is Kind.OVERLAY:
        return OVERLAY
    name = f"br-{network}"
    if len(name) <= _LONGEST and name not in {INTEGRATION, TUNNELS, OVERLAY}:
        return name
    return f"br-{network[:5]}-{sha256(network.encode()).hexdigest()[:6]}"
