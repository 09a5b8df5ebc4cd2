"""`send …`: frames as no stack of an honest guest sends them.

All defaults are honest, so that each is its own positive control.
"""

from __future__ import annotations

from . import card, wire

Answer = dict[str, object]
_EVERYONE, _ROUTERS = "ff02::1", "ff02::2"


def udp(
    address: str, nic: str, mac: str, source: str, to: str, tag: str, port: int = 9, sport: int = 40000, count: int = 1
) -> Answer:
    """An IPv4 UDP datagram; empty fields are the honest ones. Raises OSError, and ValueError if nobody has ADDRESS."""
    own = source or _own(nic)
    if not to:
        to = wire.BROADCAST if address == "255.255.255.255" else _neighbour(nic, address)
    packet = wire.udp(own, address, sport, port, tag.encode() or b"wallcloud")
    return _sent(nic, wire.ethernet(to, mac or card.mac(nic), wire.IPV4, packet), count)


def arp(address: str, nic: str, mac: str, sender: str, to: str, op: str, count: int = 1) -> Answer:
    """A gratuitous ARP packet: ADDRESS is at `sender`. Raises OSError."""
    mac = mac or card.mac(nic)
    sender = sender or mac
    to = to or wire.BROADCAST
    packet = wire.arp({"request": 1, "reply": 2}[op], sender, address, to, address)
    return _sent(nic, wire.ethernet(to, mac, wire.ARP, packet), count)


def dhcp_offer(nic: str, mac: str, source: str, client: str, offer: str, tag: str, count: int = 1) -> Answer:
    """A DHCP server's OFFER to everybody. Raises OSError."""
    own = source or _own(nic)
    message = wire.dhcp(2, 2, client or wire.BROADCAST, offer or own, own, tag.encode())
    packet = wire.udp(own, "255.255.255.255", 67, 68, message)
    return _sent(nic, wire.ethernet(wire.BROADCAST, mac or card.mac(nic), wire.IPV4, packet), count)


def dhcp_discover(nic: str, mac: str, tag: str, count: int = 1) -> Answer:
    """A DHCP client's DISCOVER: what a guest may say. Raises OSError."""
    mac = mac or card.mac(nic)
    message = wire.dhcp(1, 1, mac, wire.NOBODY, wire.NOBODY, tag.encode())
    packet = wire.udp(wire.NOBODY, "255.255.255.255", 68, 67, message)
    return _sent(nic, wire.ethernet(wire.BROADCAST, mac, wire.IPV4, packet), count)


def router_advertisement(nic: str, mac: str, source: str, prefix: str, tag: str, count: int = 1) -> Answer:
    """An IPv6 router advertisement to all. Raises OSError."""
    mac = mac or card.mac(nic)
    network, _, length = prefix.partition("/")
    body = wire.router_advertisement(network, int(length or 64), mac, tag.encode())
    return _icmp6(nic, mac, source, _EVERYONE, 134, body, count)


def router_solicitation(nic: str, mac: str, source: str, tag: str, count: int = 1) -> Answer:
    """An IPv6 router solicitation: what a guest may say. Raises OSError."""
    mac = mac or card.mac(nic)
    body = bytes(4) + bytes((1, 1)) + wire.mac_bytes(mac) + wire.tag_option(tag.encode())
    return _icmp6(nic, mac, source, _ROUTERS, 133, body, count)


def echo6(address: str, nic: str, mac: str, source: str, to: str, tag: str, count: int = 1) -> Answer:
    """An ICMPv6 echo request to a multicast group, or to `to`. Raises OSError, ValueError."""
    body = bytes((0, 1, 0, 1)) + tag.encode()
    return _icmp6(nic, mac or card.mac(nic), source, address, 128, body, count, to)


def frame(text: str, nic: str, count: int = 1) -> Answer:
    """Any frame, in hexadecimal digits. Raises OSError, ValueError."""
    return _sent(nic, bytes.fromhex(text), count)


def _icmp6(
    nic: str, mac: str, source: str, destination: str, kind: int, body: bytes, count: int, to: str = ""
) -> Answer:
    if not to:
        if not destination.lower().startswith("ff"):
            raise ValueError("say to=MAC for an address that is no multicast group")
        to = wire.multicast_mac(destination)
    packet = wire.icmp6(source or wire.link_local(mac), destination, kind, body)
    return _sent(nic, wire.ethernet(to, mac, wire.IPV6, packet), count)


def _own(nic: str) -> str:
    found = card.address(nic)
    if found is None:
        raise ValueError(f"{nic} has no address: say source=")
    return found


def _neighbour(nic: str, address: str) -> str:
    hop = card.next_hop(nic, address)
    found = card.resolve(nic, hop)
    if not found:
        raise ValueError(f"nobody answered to ARP for {hop}: say to=")
    return found[0]


def _sent(nic: str, made: bytes, count: int) -> Answer:
    card.send(nic, made, count)
    return {"ok": True, "size": len(made), "sent": count}
