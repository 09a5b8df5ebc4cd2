"""Ears of a node: what passes its wires, and what its firewall lets in.

The *outer* ear is a packet(7) socket on every interface, loopback too: it hears a frame that comes in before any
firewall does, and one that goes out when it really leaves. The *inner* ear are raw(7) sockets: they get a copy of
what has passed the firewall's input chain, whether a program listens or not.

Kernel filters (bpf(4), classic) keep all else away: ARP, ICMP, and TCP and UDP with a port of the probes'. Where the
kernel had to throw something away all the same (packet(7), PACKET_STATISTICS), that is told: such ears prove nothing.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from wallcloud.verify.reach.far.packets import (
    ETH_ARP,
    ETH_IP,
    FIRST_PORT,
    ICMP,
    PORTS,
    TCP,
    UDP,
    recognised,
)

_ETH_P_ALL, _OUTGOING = 3, 4
_ARP_REPLY = 2
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER = 33, 26
_BUFFER = 64 * 1024 * 1024
_TICK_SECONDS = 0.2
# Instructions of classic BPF (linux/filter.h).
_LD_B, _LD_H, _LDX_IP_LENGTH, _IND_H = 0x30, 0x28, 0xB1, 0x48
_EQUAL, _AT_LEAST, _ABOVE, _RETURN = 0x15, 0x35, 0x25, 0x06
_ALL, _NONE = 0x40000, 0


def _filter(link: bool, translated: bool) -> bytes:
    """The program; with `link` the packet begins with an Ethernet header. With `translated` any port will do."""
    base = 14 if link else 0
    last = FIRST_PORT + PORTS - 1
    # (code, jump if true, jump if not, operand): jumps count instructions.
    tail = [
        (_LD_B, 0, 0, base + 9),
        (_EQUAL, 10, 0, ICMP),
        (_EQUAL, 9 if translated else 1, 0, TCP),
        (_EQUAL, 8 if translated else 0, 7, UDP),
        (_LDX_IP_LENGTH, 0, 0, base),
        (_IND_H, 0, 0, base),
        (_AT_LEAST, 0, 1, FIRST_PORT),
        (_ABOVE, 0, 4, last),
        (_IND_H, 0, 0, base + 2),
        (_AT_LEAST, 0, 1, FIRST_PORT),
        (_ABOVE, 0, 1, last),
        (_RETURN, 0, 0, _NONE),
        (_RETURN, 0, 0, _ALL),
    ]
    head = [(_LD_H, 0, 0, 12), (_EQUAL, 1 + len(tail) - 1, 0, ETH_ARP), (_EQUAL, 0, len(tail) - 2, ETH_IP)]
    return b"".join(struct.pack("HBBI", *each) for each in ((*head, *tail) if link else tail))


def _attach(link: socket.socket, program: bytes) -> None:
    buffer = ctypes.create_string_buffer(program)
    link.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program) // 8, ctypes.addressof(buffer))
    )


Told = Callable[[int, str, str, str], None]
"""Takes number, kind, ear and source address of a packet."""


class Ears:
    """They hear from the making on until `stop`. `told` takes what else would be on record."""

    def __init__(
        self, run: int, translated: bool = False, told: Callable[[int, str, str, str], None] | None = None
    ) -> None:
        self._tell = told
        self._run = run
        self._translated = translated
        self._on = True
        self._news = threading.Condition()
        self._records: list[tuple[int, str, str, str]] = []
        self._came: set[tuple[int, str, str]] = set()
        self._told: set[tuple[str, str, str]] = set()
        self._outer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        _attach(self._outer, _filter(True, translated))
        self._outer.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._inner = [socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) for protocol in (TCP, UDP, ICMP)]
        for each in self._inner:
            _attach(each, _filter(False, translated))
            each.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        acts = [(self._outer, self._frame), *((each, self._let_in) for each in self._inner)]
        self._threads = [threading.Thread(target=self._listen, args=each, daemon=True) for each in acts]
        for link, _ in acts:
            link.settimeout(_TICK_SECONDS)
        for thread in self._threads:
            thread.start()

    def _listen(self, link: socket.socket, act: Any) -> None:
        while self._on:
            try:
                content, where = link.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            act(content, where)

    def _frame(self, frame: bytes, where: Any) -> None:
        way = "out" if where[2] == _OUTGOING else "in"
        if frame[12:14] == b"\x08\x06":
            self._arp(frame[14:42], where[0], way)
            return
        self._note(frame[14:], f"{way} {where[0]}")

    def _let_in(self, content: bytes, _: Any) -> None:
        self._note(content, "inner")

    def _note(self, content: bytes, ear: str) -> None:
        heard = recognised(content, self._run, self._translated)
        if heard is None:
            return
        source = socket.inet_ntoa(content[12:16])
        if self._tell is not None:
            self._tell(heard.number, heard.kind, ear, source)
            return
        with self._news:
            self._records.append((heard.number, heard.kind, ear, source))
            self._came.add((heard.number, heard.kind, ear.partition(" ")[0]))
            self._news.notify_all()

    def _arp(self, content: bytes, interface: str, way: str) -> None:
        """Notes answers that went out: (interface, who asked, who was asked)."""
        if len(content) < 28 or content[7] != _ARP_REPLY or way != "out":
            return
        with self._news:
            self._told.add((interface, socket.inet_ntoa(content[24:28]), socket.inet_ntoa(content[14:18])))
            self._news.notify_all()

    def wait(
        self, marks: list[tuple[int, str, str]], asked: list[tuple[str, str, str]], seconds: float
    ) -> tuple[list[tuple[int, str, str]], list[tuple[str, str, str]]]:
        """Until each mark (number, kind, `in`, `out` or `inner`) was heard, and of each ARP question (interface, who
        asks, who is asked), which comes a few times, one was answered. What is missing of both after `seconds`."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                unheard = [mark for mark in marks if mark not in self._came]
                unanswered = [key for key in asked if key not in self._told]
                left = deadline - time.monotonic()
                if not (unheard or unanswered) or left <= 0:
                    return unheard, unanswered
                self._news.wait(left)

    def records(self) -> list[tuple[int, str, str, str]]:
        """Everything so far: (number, kind, ear, source address), ears being `in IF`, `out IF` or `inner`."""
        with self._news:
            return list(self._records)

    def lost(self) -> int:
        """Frames that the kernel threw away because the outer ear was too slow."""
        told = self._outer.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("II", told)[1])

    def stop(self) -> None:
        """Ends them."""
        self._on = False
        for thread in self._threads:
            thread.join(2)
        for each in (self._outer, *self._inner):
            each.close()
