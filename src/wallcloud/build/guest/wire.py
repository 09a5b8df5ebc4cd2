"""Frames as bytes: making them, and telling what one is. No I/O; addresses are text, as people write them."""

from __future__ import annotations

import socket
import struct

NOBODY = "0.0.0.0"  # noqa: S104  # in packets, the address of who has none
BROADCAST = "ff:ff:ff:ff:ff:ff"
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
_MAGIC = bytes((99, 130, 83, 99))


def mac_bytes(mac: str) -> bytes:
    """`02:00:…` as six bytes. Raises ValueError."""
    found = bytes(int(part, 16) for part in mac.split(":"))
    if len(found) != 6:
        raise ValueError(f"not a MAC address: {mac}")
    return found


def mac_text(mac: bytes) -> str:
    """Six bytes as `02:00:…`."""
    return ":".join(f"{byte:02x}" for byte in mac)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(destination: str, source: str, kind: int, payload: bytes) -> bytes:
    """A frame, padded to the 60 bytes that a wire carries at least."""
    return (mac_bytes(destination) + mac_bytes(source) + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def ipv4(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    """An IPv4 packet with the flag don't-fragment."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source: str, destination: str, sport: int, dport: int, payload: bytes) -> bytes:
    """An IPv4 packet with a UDP datagram."""
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination)
    total = checksum(pseudo + struct.pack("!BBH", 0, UDP, 8 + len(payload)) + head + payload) or 0xFFFF
    return ipv4(source, destination, UDP, head[:6] + struct.pack("!H", total) + payload)


def echo(kind: int, identity: int, number: int, payload: bytes) -> bytes:
    """An ICMP message: `kind` 8 is an echo request, 0 its answer."""
    head = struct.pack("!BBHHH", kind, 0, 0, identity, number)
    return head[:2] + struct.pack("!H", checksum(head + payload)) + head[4:] + payload


def arp(op: int, sender_mac: str, sender: str, target_mac: str, target: str) -> bytes:
    """An ARP packet for IPv4 over Ethernet; `op` 1 asks, 2 answers."""
    return (
        struct.pack("!HHBBH", 1, IPV4, 6, 4, op)
        + mac_bytes(sender_mac)
        + socket.inet_aton(sender)
        + mac_bytes(target_mac)
        + socket.inet_aton(target)
    )


def dhcp(op: int, kind: int, client: str, yours: str, server: str, tag: bytes) -> bytes:
    """A DHCP message: `op` 1 from a client, 2 from a server; `kind` 1 DISCOVER, 2 OFFER. The tag is in `sname`."""
    head = struct.pack("!BBBBIHH", op, 1, 6, 0, 0x57414C4C, 0, 0x8000)
    head += bytes(4) + socket.inet_aton(yours) + socket.inet_aton(server) + bytes(4)
    head += mac_bytes(client).ljust(16, b"\0") + tag.ljust(64, b"\0")[:64] + bytes(128)
    options = bytes((53, 1, kind))
    if op == 2:
        options += bytes((54, 4)) + socket.inet_aton(server)
        options += bytes((51, 4)) + struct.pack("!I", 3600) + bytes((1, 4, 255, 255, 255, 0))
        options += bytes((3, 4)) + socket.inet_aton(server)
    return head + _MAGIC + options + b"\xff"


def link_local(mac: str) -> str:
    """The IPv6 address that a card with this MAC gives itself (RFC 4291, EUI-64)."""
    raw = mac_bytes(mac)
    made = bytes((0xFE, 0x80, 0, 0, 0, 0, 0, 0, raw[0] ^ 2, raw[1], raw[2], 0xFF, 0xFE, raw[3], raw[4], raw[5]))
    return socket.inet_ntop(socket.AF_INET6, made)


def icmp6(source: str, destination: str, kind: int, body: bytes) -> bytes:
    """An IPv6 packet with an ICMPv6 message; `body` follows type, code and checksum."""
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    size = 4 + len(body)
    total = checksum(ends + struct.pack("!IHBB", size, 0, 0, ICMP6) + struct.pack("!BBH", kind, 0, 0) + body)
    message = struct.pack("!BBH", kind, 0, total) + body
    return struct.pack("!IHBB", 0x60000000, size, ICMP6, 255) + ends + message


def multicast_mac(address: str) -> str:
    """The MAC that an IPv6 multicast group is sent to (RFC 2464)."""
    return "33:33:" + mac_text(socket.inet_pton(socket.AF_INET6, address)[-4:])


def router_advertisement(prefix: str, length: int, mac: str, tag: bytes) -> bytes:
    """The body of a router advertisement for a prefix, with the sender's MAC and a nonce-like option for the tag."""
    head = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    head += bytes((1, 1)) + mac_bytes(mac)
    head += struct.pack("!BBBBIII", 3, 4, length, 0xC0, 3600, 1800, 0) + socket.inet_pton(socket.AF_INET6, prefix)
    return head + tag_option(tag)


def tag_option(tag: bytes) -> bytes:
    """An option of neighbour discovery (type 253, for experiments: RFC 4727) that holds the tag."""
    if not tag:
        return b""
    units = (2 + len(tag) + 7) // 8
    return (bytes((253, units)) + tag).ljust(units * 8, b"\0")


def describe(frame: bytes) -> dict[str, object]:
    """What a frame is; fields that it has not are None."""
    kind = int.from_bytes(frame[12:14], "big")
    seen: dict[str, object] = {
        "source_mac": mac_text(frame[6:12]),
        "destination_mac": mac_text(frame[:6]),
        "type": f"0x{kind:04x}",
        "size": len(frame),
        **dict.fromkeys(("source", "destination", "protocol", "sport", "dport", "icmp")),
    }
    body = frame[14:]
    if kind == ARP and len(body) >= 28:
        seen.update(source=socket.inet_ntoa(body[14:18]), destination=socket.inet_ntoa(body[24:28]))
        seen.update(op=int.from_bytes(body[6:8], "big"), sender_mac=mac_text(body[8:14]))
    elif kind == IPV4 and len(body) >= 20:
        seen.update(source=socket.inet_ntoa(body[12:16]), destination=socket.inet_ntoa(body[16:20]), protocol=body[9])
        if not int.from_bytes(body[6:8], "big") & 0x1FFF:  # not a later fragment
            _upper(seen, body[9], body[(body[0] & 15) * 4 :])
    elif kind == IPV6 and len(body) >= 40:
        seen.update(source=socket.inet_ntop(socket.AF_INET6, body[8:24]), protocol=body[6])
        seen.update(destination=socket.inet_ntop(socket.AF_INET6, body[24:40]))
        _upper(seen, body[6], body[40:])
    return seen


def _upper(seen: dict[str, object], protocol: int, body: bytes) -> None:
    if protocol in (TCP, UDP) and len(body) >= 4:
        seen.update(sport=int.from_bytes(body[:2], "big"), dport=int.from_bytes(body[2:4], "big"))
    elif protocol in (ICMP, ICMP6) and len(body) >= 2:
        seen.update(icmp=[body[0], body[1]])
