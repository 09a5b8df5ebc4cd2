"""Frames as they were heard, put together to what each side said: TCP in the order of its numbers, tunnels unpacked."""

from __future__ import annotations

import socket
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator

Ends = tuple[str, int, str, int]
"""Sender's address and port, receiver's."""
_VXLAN = 4789
_IPV4, _IPV6, _VLANS = 0x0800, 0x86DD, {0x8100, 0x88A8}
_TCP, _UDP = 6, 17


class Segment:
    """The bytes of one TCP segment."""

    __slots__ = ("body", "ends", "number")

    def __init__(self, ends: Ends, number: int, body: bytes) -> None:
        self.ends = ends
        self.number = number
        self.body = body


def segment(frame: bytes) -> Segment | None:
    """The TCP segment in an Ethernet frame, in a VXLAN tunnel too; None where there is none or it is empty."""
    at = 12
    while frame[at : at + 2] and int.from_bytes(frame[at : at + 2], "big") in _VLANS:
        at += 4
    kind = int.from_bytes(frame[at : at + 2], "big")
    packet = frame[at + 2 :]
    if kind == _IPV4 and len(packet) >= 20:
        head = (packet[0] & 15) * 4
        whole = int.from_bytes(packet[2:4], "big") or len(packet)
        protocol, offset = packet[9], int.from_bytes(packet[6:8], "big") & 0x1FFF
        source, target = (socket.inet_ntop(socket.AF_INET, packet[begin : begin + 4]) for begin in (12, 16))
        body = packet[head:whole] if not offset else b""
    elif kind == _IPV6 and len(packet) >= 40:
        protocol, body = packet[6], packet[40:]
        source, target = (socket.inet_ntop(socket.AF_INET6, packet[begin : begin + 16]) for begin in (8, 24))
    else:
        return None
    if protocol == _UDP and len(body) > 16 and int.from_bytes(body[2:4], "big") == _VXLAN:
        return segment(body[16:])
    if protocol != _TCP or len(body) < 20:
        return None
    sport, dport, number = struct.unpack(">HHI", body[:8])
    said = body[(body[12] >> 4) * 4 :]
    return Segment((source, sport, target, dport), number, said) if said else None


def joined(segments: Iterable[Segment]) -> Iterator[tuple[Ends, list[bytes]]]:
    """What each sender said, as runs without a gap: what is sent again counts once."""
    by_ends: dict[Ends, list[Segment]] = defaultdict(list)
    for each in segments:
        by_ends[each.ends].append(each)
    for ends, parts in by_ends.items():
        first = parts[0].number
        # Numbers wrap: what is a little before the first one heard is negative.
        ordered = sorted(
            (((part.number - first + (1 << 31)) % (1 << 32) - (1 << 31), part.body) for part in parts),
            key=lambda each: each[0],
        )
        runs: list[bytearray] = []
        end = None
        for number, body in ordered:
            if end is None or number > end:
                runs.append(bytearray(body))
                end = number + len(body)
            elif number + len(body) > end:
                runs[-1] += body[end - number :]
                end = number + len(body)
        yield ends, [bytes(run) for run in runs]


def records(run: bytes, most: int = 1 << 15) -> bool:
    """Whether this is TLS's record layer (RFC 8446, 5.1) up to its end, from some place within the first `most` bytes:
    a recording may begin within a record."""
    at = 0
    while True:
        if _chain(run, at):
            return True
        at += 1
        while at < len(run) and at < most and not (20 <= run[at] <= 23 and run[at + 1 : at + 2] in {b"\x03", b""}):
            at += 1
        if at >= min(len(run), most):
            return False


def _chain(run: bytes, at: int) -> bool:
    count = 0
    while at < len(run):
        head = run[at : at + 5]
        if not 20 <= head[0] <= 23 or (len(head) > 1 and head[1] != 3) or (len(head) > 2 and head[2] > 4):
            return False
        if len(head) < 5:
            break
        size = int.from_bytes(head[3:5], "big")
        if not 0 < size <= (1 << 14) + 2048:
            return False
        at += 5 + size
        count += 1
    return count > 0
