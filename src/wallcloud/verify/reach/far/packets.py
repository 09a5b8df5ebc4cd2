"""Packets of probes: made and recognised. Each bears its number, and so does every answer to it.

- TCP (RFC 9293): a SYN with the number as its sequence number; a SYN-ACK and a RST acknowledge it, plus one.
- UDP: an NTP client's question (RFC 5905) with the number in its transmit timestamp, which an NTP server sends back as
  the origin timestamp; to any other port it is 48 bytes.
- ICMP (RFC 792): an echo request with the number in its payload, which comes back.
- An ICMP error holds the first bytes of what it answers.

A number is 32 bits: 8 of the run, 24 of the probe. Source ports (of ICMP: the identifier) are 20000 to 23999, below
Linux's own. They come in classes, since a packet of an account may be taken for one of a conversation that another
account began (conntrack knows addresses and ports alone): what must not pass never has a port of what may.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

FIRST_PORT, PORTS = 20000, 4000
HELD_BACK, LET_THROUGH, WITHOUT_WALL = range(20000, 22000), range(22000, 23000), range(23000, 24000)
"""Source ports of probes that must not pass, of those that may, and of those for which a wall is opened."""
MAGIC = b"WlCd"
TCP, UDP, ICMP = socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMP
ETH_IP, ETH_ARP = 0x0800, 0x0806
_SYN, _RST, _ACK = 0x02, 0x04, 0x10
_NTP_CLIENT = 0x23
_NTP_BYTES = 48
_UNREACHABLE = 3


class Heard(NamedTuple):
    """A packet of a probe. `kind`: `probe`, or what answers it: `syn-ack`, `rst`, `reply`, `unreachable`."""

    number: int
    kind: str


def checksum(content: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(content) % 2:
        content += b"\0"
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(number: int, from_port: int, source: str, target: str, protocol: int, port: int) -> bytes:
    """The IPv4 packet of a probe; for ICMP `port` is 0 and `from_port` the identifier."""
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    if protocol == TCP:
        head = struct.pack("!HHIIBBHHH", from_port, port, number, 0, 5 << 4, _SYN, 64240, 0, 0)
        load = head[:16] + struct.pack("!H", checksum(ends + struct.pack("!BBH", 0, TCP, 20) + head)) + head[18:]
    elif protocol == UDP:
        # An RFC 868-like origin is no matter: servers copy the transmit timestamp and judge nothing else of it.
        body = bytes([_NTP_CLIENT]) + bytes(_NTP_BYTES - 9) + MAGIC + struct.pack("!I", number)
        size = 8 + len(body)
        head = struct.pack("!HHHH", from_port, port, size, 0)
        sum_ = checksum(ends + struct.pack("!BBH", 0, UDP, size) + head + body) or 0xFFFF
        load = head[:6] + struct.pack("!H", sum_) + body
    else:
        body = MAGIC + struct.pack("!I", number)
        head = struct.pack("!BBHHH", 8, 0, 0, from_port, number & 0xFFFF)
        load = struct.pack("!BBHHH", 8, 0, checksum(head + body), from_port, number & 0xFFFF) + body
    first = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(load), 0, 0x4000, 64, protocol, 0, ends[:4], ends[4:])
    return first[:10] + struct.pack("!H", checksum(first)) + first[12:] + load


def recognised(content: bytes, run: int, translated: bool = False) -> Heard | None:
    """What an IPv4 packet says to a run (the upper 8 bits of its numbers); None where it is none of its probes.

    With `translated` a router may have given it another source port: it is known by its number alone.
    """
    if len(content) < 28 or content[0] >> 4 != 4:
        return None
    at = (content[0] & 15) * 4
    protocol, load = content[9], content[at:]
    found = None
    if protocol == TCP and len(load) >= 20:
        found = _of_tcp(load, translated)
    elif protocol == UDP and len(load) >= 8 + _NTP_BYTES:
        found = _of_udp(load, translated)
    elif protocol == ICMP and len(load) >= 8:
        found = _of_icmp(load)
    return found if found is not None and found.number >> 24 == run else None


def _of_tcp(load: bytes, translated: bool) -> Heard | None:
    source, target, sequence, acknowledged, _, flags = struct.unpack_from("!HHIIBB", load)
    if flags & (_SYN | _ACK | _RST) == _SYN and (translated or _ours(source)):
        return Heard(sequence, "probe")
    if flags & _ACK and flags & (_SYN | _RST) and (translated or _ours(target)):
        return Heard((acknowledged - 1) & 0xFFFFFFFF, "rst" if flags & _RST else "syn-ack")
    return None


def _of_udp(load: bytes, translated: bool) -> Heard | None:
    source, target = struct.unpack_from("!HH", load)
    if (translated or _ours(source)) and load[48:52] == MAGIC:
        return Heard(struct.unpack_from("!I", load, 52)[0], "probe")
    if (translated or _ours(target)) and load[32:36] == MAGIC:
        return Heard(struct.unpack_from("!I", load, 36)[0], "reply")
    return None


def _of_icmp(load: bytes) -> Heard | None:
    if load[0] in (0, 8) and load[8:12] == MAGIC and len(load) >= 16:
        return Heard(struct.unpack_from("!I", load, 12)[0], "probe" if load[0] == 8 else "reply")
    if load[0] != _UNREACHABLE or len(load) < 36:
        return None
    quoted = load[8:]
    at = (quoted[0] & 15) * 4
    protocol, inner = quoted[9], quoted[at:]
    if protocol == TCP and len(inner) >= 8 and _ours(struct.unpack_from("!H", inner)[0]):
        return Heard(struct.unpack_from("!I", inner, 4)[0], "unreachable")
    if protocol == UDP and len(inner) >= 56 and inner[48:52] == MAGIC:
        return Heard(struct.unpack_from("!I", inner, 52)[0], "unreachable")
    return None


def _ours(port: int) -> bool:
    return FIRST_PORT <= port < FIRST_PORT + PORTS
