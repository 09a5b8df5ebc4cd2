"""Sends probes: as an account of this node, as what the kernel routes, or as a hostile machine on a wire.

The firewall knows a packet's account by the one that opened its socket (nft(8), `meta skuid`): root opens it under the
account's filesystem uid (setfsuid(2)), for this thread alone. A raw(7) socket with IP_HDRINCL takes the packet as it
stands through the output chain, which answers EPERM where it drops it. A packet(7) socket knows no firewall: what it
sends is what a hostile machine on that wire would.

Everything of one call is sent by one thread on one core, in order: on its way through bridges and namespaces of this
computer no packet overtakes another, so that who heard the last one heard all before it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any

from wallcloud.verify.reach.far.packets import ETH_ARP, ETH_IP, packet

_SO_MARK = 36
_ETHERNET = 1
_libc = ctypes.CDLL(None, use_errno=True)

Shot = list[Any]
"""`["as", number, from_port, uid, mark, target, protocol, port]`; `["frame", number, from_port, interface, source,
target, mac, protocol, port]`; or `["arp", interface, source, target, mac]`. Addresses as text, MACs as hex."""


def send(shots: Iterable[Shot], core: int) -> list[str]:
    """Sends them in order from that core; for each `""`, or the name of the error that met it (`EPERM`)."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[core % len(allowed)]})
    sender = _Sender()
    try:
        return [sender.send(shot) for shot in shots]
    finally:
        sender.close()
        os.sched_setaffinity(0, allowed)


class _Sender:
    """Keeps a socket for each account and mark, and for each interface."""

    def __init__(self) -> None:
        self._routed: dict[tuple[int, int], socket.socket] = {}
        self._links: dict[str, socket.socket] = {}
        self._own: dict[tuple[str, int], str] = {}

    def send(self, shot: Shot) -> str:
        try:
            acts: dict[str, Callable[..., None]] = {"as": self._as, "frame": self._frame, "arp": self._arp}
            acts[shot[0]](*shot[1:])
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error))
        return ""

    def close(self) -> None:
        for each in (*self._routed.values(), *self._links.values()):
            each.close()

    def _as(self, number: int, from_port: int, uid: int, mark: int, target: str, protocol: int, port: int) -> None:
        source = self._source(target, mark)
        key = (uid, mark)
        if key not in self._routed:
            self._routed[key] = _opened_as(uid, mark)
        self._routed[key].sendto(packet(number, from_port, source, target, protocol, port), (target, 0))

    def _source(self, target: str, mark: int) -> str:
        """The address that the kernel would send from. Raises OSError where it has no route."""
        if (target, mark) not in self._own:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                if mark:
                    asking.setsockopt(socket.SOL_SOCKET, _SO_MARK, mark)
                asking.connect((target, 9))
                self._own[target, mark] = asking.getsockname()[0]
        return self._own[target, mark]

    def _link(self, interface: str) -> socket.socket:
        if interface not in self._links:
            self._links[interface] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._links[interface].bind((interface, 0))
        return self._links[interface]

    def _frame(
        self,
        number: int,
        from_port: int,
        interface: str,
        source: str,
        target: str,
        mac: str,
        protocol: int,
        port: int,
    ) -> None:
        link = self._link(interface)
        head = bytes.fromhex(mac) + link.getsockname()[4] + struct.pack("!H", ETH_IP)
        link.send(head + packet(number, from_port, source, target, protocol, port))

    def _arp(self, interface: str, source: str, target: str, mac: str) -> None:
        """An honest question (RFC 826) for an address that is there: its answer tells that all before it is through."""
        link = self._link(interface)
        own = link.getsockname()[4]
        body = struct.pack("!HHBBH", _ETHERNET, ETH_IP, 6, 4, 1) + own + socket.inet_aton(source)
        link.send(bytes.fromhex(mac) + own + struct.pack("!H", ETH_ARP) + body + bytes(6) + socket.inet_aton(target))


def _opened_as(uid: int, mark: int) -> socket.socket:
    _libc.setfsuid(uid)
    try:
        opened = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    finally:
        _libc.setfsuid(0)
    if mark:
        opened.setsockopt(socket.SOL_SOCKET, _SO_MARK, mark)
    return opened
