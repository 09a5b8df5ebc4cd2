"""The bridge of the tunnels' card: who may send VXLAN, as OpenFlow rules, and what its own port has."""

from __future__ import annotations

from wallcloud.catalog import bridges
from wallcloud.catalog.place import Place
from wallcloud.site.model import Kind

PORT = 4789  # VXLAN (RFC 7348)


def card(place: Place) -> str:
    """The device that carries the overlay network on this node."""
    name, network = place.network(Kind.OVERLAY)
    return network.device(place.site.nodes[place.node].interfaces[name])


def rules(place: Place) -> tuple[str, ...]:
    """ovs-ofctl(8): ARP and VXLAN between this node's address and the overlay's pass, on one wire; nothing else does.

    The whole network and not each peer, so that a new node changes no other: behind this bridge Open vSwitch takes
    VXLAN only from the peers that Neutron named (l2population: each tunnel port has its remote_ip).
    No ICMP: nobody routes the overlay, so nobody says that a packet is too big.
    """
    wire, own = card(place), place.address(Kind.OVERLAY)
    peers = place.network(Kind.OVERLAY)[1].cidr
    passing = (
        f"priority=100,arp,in_port={wire},arp_spa={peers},arp_tpa={own},actions=LOCAL",
        f"priority=100,arp,in_port=LOCAL,arp_spa={own},arp_tpa={peers},actions=output:{wire}",
        f"priority=100,udp,in_port={wire},nw_src={peers},nw_dst={own},tp_dst={PORT},actions=LOCAL",
        f"priority=100,udp,in_port=LOCAL,nw_src={own},nw_dst={peers},tp_dst={PORT},actions=output:{wire}",
    )
    return (*passing, "priority=0,actions=drop")


def address(place: Place) -> str:
    """This node's tunnel address as CIDR."""
    interface = place.plan.interface(place.node, place.network(Kind.OVERLAY)[0])
    if interface is None:
        raise KeyError(f"{place.node} has no address on the overlay")
    return str(interface)


def commands(place: Place) -> str:
    """ip(8) -batch: what the bridge's own port needs, which in user space is made anew with each start."""
    mtu = place.network(Kind.OVERLAY)[1].mtu
    bridge = bridges.OVERLAY
    return (
        f"link set {bridge} mtu {mtu}\naddr replace {address(place)} broadcast + dev {bridge}\nlink set {bridge} up\n"
    )
