"""Frames as bytes: Wallcloud's own probe, ARP (RFC 826, RFC 5227), DHCP's first question and its answer (RFC 2131)."""

import struct
from ipaddress import IPv4Address

from wallcloud.frozen import frozen

PROBE, ARP, IPV4, VLAN = 0x88B5, 0x0806, 0x0800, 0x8100
"""EtherTypes. The probe's is the one that IEEE 802 keeps for local experiments: no stack answers or forwards it."""
SMALL = 64
"""Bytes of a probe that any wire carries: without this one no larger one is missed."""
_BROADCAST = b"\xff" * 6
_HEADER = struct.Struct("!16sHH")
_MAGIC_COOKIE = b"\x63\x82\x53\x63"
_OFFER = 2


@frozen
class Frame:
    """What came from a wire. `vlan` is None without a tag; `payload` follows the EtherType."""

    source: bytes
    vlan: int | None
    ethertype: int
    payload: bytes


@frozen
class Probe:
    """`leg` is the number of the leg that sent it; `size` the bytes of its payload, as in an interface's MTU."""

    leg: int
    size: int


def ethernet(source: bytes, ethertype: int, payload: bytes, vlan: int | None) -> bytes:
    """A broadcast, tagged (IEEE 802.1Q) where there is a `vlan`."""
    tag = b"" if vlan is None else struct.pack("!HH", VLAN, vlan)
    return _BROADCAST + source + tag + struct.pack("!H", ethertype) + payload


def received(data: bytes, vlan: int | None) -> Frame:
    """A frame as a packet socket gives it: the kernel has taken the tag off and tells it apart (packet(7))."""
    return Frame(data[6:12], vlan, int.from_bytes(data[12:14]), data[14:])


def probe(token: bytes, sent: Probe) -> bytes:
    """A payload of exactly `sent.size` bytes. It holds numbers only: VMs on a flat wire may hear it."""
    return _HEADER.pack(token, sent.leg, sent.size).ljust(sent.size, b"\0")


def read_probe(token: bytes, payload: bytes) -> Probe | None:
    """The probe, where it is one of this run and came whole."""
    if len(payload) < SMALL:
        return None
    run, leg, size = _HEADER.unpack_from(payload)
    return Probe(leg, size) if run == token and len(payload) >= size else None


def who_has(source: bytes, address: IPv4Address) -> bytes:
    """An ARP probe: it names no sender's address, so nobody's table changes by it (RFC 5227, 2.1.1)."""
    return struct.pack("!HHBBH6s4s6s4s", 1, IPV4, 6, 4, 1, source, bytes(4), bytes(6), address.packed)


def holder(payload: bytes) -> tuple[IPv4Address, bytes] | None:
    """Who says in an ARP packet that an address is his: the address and his MAC."""
    if len(payload) < 28:
        return None
    kind, protocol, _, _, operation, mac, address = struct.unpack_from("!HHBBH6s4s", payload)
    if (kind, protocol) != (1, IPV4) or operation not in (1, 2) or address == bytes(4):
        return None
    return IPv4Address(address), mac


def discover(source: bytes, transaction: bytes) -> bytes:
    """An IPv4 packet with DHCPDISCOVER; the answer shall be broadcast, since nobody here has an address."""
    flags = 0x8000
    bootp = (
        struct.pack("!BBBB4sHH", 1, 1, 6, 0, transaction, 0, flags) + bytes(16) + source.ljust(16, b"\0") + bytes(192)
    )
    options = b"\x35\x01\x01" + b"\x37\x03\x01\x03\x36" + b"\xff"
    message = (bootp + _MAGIC_COOKIE + options).ljust(300, b"\0")
    udp = struct.pack("!HHHH", 68, 67, 8 + len(message), 0) + message
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    return head[:10] + _checksum(head) + head[12:] + udp


def offer(payload: bytes, transaction: bytes) -> IPv4Address | None:
    """The server that offers an address in answer to `discover`; None where the packet is something else."""
    start = (payload[0] & 15) * 4 if payload else 0
    if len(payload) < start + 8 + 240 or payload[9] != 17:
        return None
    bootp = payload[start + 8 :]
    if bootp[0] != 2 or bootp[4:8] != transaction or bootp[236:240] != _MAGIC_COOKIE:
        return None
    options = _options(bootp[240:])
    if options.get(53) != bytes((_OFFER,)):
        return None
    server = options.get(54, b"")
    return IPv4Address(server if len(server) == 4 else payload[12:16])


def _options(data: bytes) -> dict[int, bytes]:
    """DHCP's options by number (RFC 2132); what is cut off is left out."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 1 < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        length = data[at + 1]
        found[data[at]] = data[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def _checksum(head: bytes) -> bytes:
    """Of an IPv4 header (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(head) // 2}H", head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)
