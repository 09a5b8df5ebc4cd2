"""Frames as bytes: what a hostile machine on a wire would send (RFC 826, 791, 792, 793, 768, 4861, 4443)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

DISCARD = 9
BROADCAST = b"\xff" * 6
MARKER = 0x88B5
"""An EtherType for experiments (IEEE 802): no node has any use for it."""
_IPV4, _ARP, _IPV6 = 0x0800, 0x0806, 0x86DD
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_ALL_NODES = IPv6Address("ff02::1")


def port_of(token: bytes) -> int:
    """Whence a datagram or segment comes: another port each time, or what a hole once let through would be known."""
    return 32768 + int.from_bytes(token[4:6], "big") % 28000


def ethernet(to: bytes, source: bytes, kind: int, body: bytes) -> bytes:
    """A frame of at least the size that a wire wants, without its checksum."""
    return (to + source + struct.pack("!H", kind) + body).ljust(60, b"\0")


def arp(source: bytes, sender: bytes, address: IPv4Address, wanted: IPv4Address) -> bytes:
    """Who has `wanted`? Tell `address` at `sender`, which need not be the card's own MAC address `source`."""
    body = struct.pack("!HHBBH", 1, _IPV4, 6, 4, 1) + sender + address.packed + bytes(6) + wanted.packed
    return ethernet(BROADCAST, source, _ARP, body)


def arp_answer(sender: bytes, address: IPv4Address, wanted: IPv4Address) -> bytes:
    """What every answer to `arp` holds."""
    return wanted.packed + sender + address.packed


def ipv4(source: IPv4Address, to: IPv4Address, protocol: int, body: bytes, options: bytes = b"") -> bytes:
    """A packet; `options` is a multiple of four bytes."""
    words = 5 + len(options) // 4
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(body), 1, 0, 8, protocol, 0, source.packed, to.packed
    )
    return _summed(head + options, 10) + body


def echo(token: bytes) -> bytes:
    """An ICMP echo request whose answer holds `token`."""
    return _summed(struct.pack("!BBH2sH", 8, 0, 0, token[:2], 7) + token, 2)


def syn(source: IPv4Address, to: IPv4Address, port: int, token: bytes) -> bytes:
    """The first segment of a connection; its number is the first four bytes of `token`."""
    head = struct.pack("!HH4sIBBHHH", port_of(token), port, token[:4], 0, 0x50, 2, 64240, 0, 0)
    pseudo = source.packed + to.packed + struct.pack("!BBH", 0, _TCP, len(head))
    return head[:16] + _checksum(pseudo + head) + head[18:]


def syn_answer(port: int, token: bytes) -> tuple[bytes, bytes]:
    """What SYN-ACK and RST to `syn` hold."""
    accepted = (int.from_bytes(token[:4], "big") + 1) & 0xFFFFFFFF
    return struct.pack("!HH", port, port_of(token)), accepted.to_bytes(4, "big")


def datagram(port: int, token: bytes) -> bytes:
    """A UDP datagram without checksum, which IPv4 allows."""
    return struct.pack("!HHHH", port_of(token), port, 8 + len(token), 0) + token


def loose_source_route(by: IPv4Address) -> bytes:
    """The option that asks a node to send the packet on to `by` (RFC 791, 3.1)."""
    return struct.pack("!BBB4sB", 131, 7, 4, by.packed, 0)


def link_local(mac: bytes) -> IPv6Address:
    """The address that a card gives itself (RFC 4291, appendix A)."""
    return IPv6Address(b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:])


def own_link_local(token: bytes) -> IPv6Address:
    """An address that nobody but the probe has."""
    return IPv6Address(b"\xfe\x80" + bytes(6) + token[:8])


def neighbour_solicitation(source: bytes, token: bytes, wanted: IPv6Address) -> bytes:
    """Who has `wanted`? Its answer is for `own_link_local(token)`."""
    to = IPv6Address(bytes.fromhex("ff0200000000000000000001ff") + wanted.packed[13:])
    body = struct.pack("!BBHI", 135, 0, 0, 0) + wanted.packed + b"\x01\x01" + source
    return _ipv6(source, own_link_local(token), to, body)


def echo_to_all_nodes(source: bytes, token: bytes) -> bytes:
    """Who is there? Whoever answers asks for `own_link_local(token)` first."""
    return _ipv6(source, own_link_local(token), _ALL_NODES, struct.pack("!BBHHH", 128, 0, 0, 7, 7) + token)


def packet(to: bytes, source: bytes, body: bytes) -> bytes:
    """A frame with an IPv4 packet."""
    return ethernet(to, source, _IPV4, body)


def _ipv6(source: bytes, address: IPv6Address, to: IPv6Address, body: bytes) -> bytes:
    pseudo = address.packed + to.packed + struct.pack("!II", len(body), _ICMPV6)
    body = body[:2] + _checksum(pseudo + body) + body[4:]
    head = struct.pack("!IHBB", 0x60000000, len(body), _ICMPV6, 255) + address.packed + to.packed
    return ethernet(b"\x33\x33" + to.packed[12:], source, _IPV6, head + body)


def _summed(data: bytes, at: int) -> bytes:
    return data[:at] + _checksum(data) + data[at + 2 :]


def _checksum(data: bytes) -> bytes:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")
