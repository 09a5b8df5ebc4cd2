"""The guest's network cards, as the kernel knows them, and raw sockets on them."""

# ruff: noqa: PTH123, PTH208  # pathlib costs a tenth of a second where this runs

from __future__ import annotations

import fcntl
import os
import socket
import struct
import time

from . import wire

ANY = 3  # ETH_P_ALL, as a raw socket's protocol
_SIOCGIFADDR, _SIOCGIFNETMASK, _OUTGOING = 0x8915, 0x891B, 4


def names() -> list[str]:
    """The cards, sorted, without loopback."""
    return sorted(name for name in os.listdir("/sys/class/net") if name != "lo")


def mac(card: str) -> str:
    """The card's MAC address. Raises OSError."""
    return _read(card, "address")


def mtu(card: str) -> int:
    """The card's MTU in bytes. Raises OSError."""
    return int(_read(card, "mtu"))


def address(card: str) -> str | None:
    """The card's first IPv4 address, or None."""
    return _asked(card, _SIOCGIFADDR)


def addresses(card: str) -> list[str]:
    """Its first IPv4 and all its IPv6 addresses, each with its prefix length."""
    found = []
    own, mask = _asked(card, _SIOCGIFADDR), _asked(card, _SIOCGIFNETMASK)
    if own and mask:
        found.append(f"{own}/{int.from_bytes(socket.inet_aton(mask), 'big').bit_count()}")
    with open("/proc/net/if_inet6") as lines:
        for line in lines:
            raw, _, prefix, _, _, name = line.split()
            if name == card:
                found.append(f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(raw))}/{int(prefix, 16)}")
    return found


def next_hop(card: str, destination: str) -> str:
    """The neighbour on `card` to which the kernel would give a packet for `destination`: itself, or a router."""
    wanted = int.from_bytes(socket.inet_aton(destination), "little")
    best, hop = -1, destination
    with open("/proc/net/route") as lines:
        for line in list(lines)[1:]:
            fields = line.split()
            network, gateway, mask = int(fields[1], 16), int(fields[2], 16), int(fields[7], 16)
            if fields[0] == card and wanted & mask == network and mask.bit_count() > best:
                best = mask.bit_count()
                hop = socket.inet_ntoa(gateway.to_bytes(4, "little")) if gateway else destination
    return hop


def raw(card: str, protocol: int = 0) -> socket.socket:
    """A raw socket on the card; `protocol` 0 hears nothing (packet(7)). Raises OSError."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((card, protocol))
    return made


def send(card: str, frame: bytes, count: int = 1) -> None:
    """Hands a frame to the card, `count` times. Raises OSError."""
    with raw(card) as out:
        for _ in range(count):
            out.send(frame)


def incoming(heard: tuple[bytes, tuple[object, ...]]) -> bool:
    """Whether what `recvfrom` returned came from the wire, not from this guest."""
    return heard[1][2] != _OUTGOING


def resolve(card: str, target: str, wait: float = 1.0) -> list[str]:
    """Who answers to an ARP request for `target` within `wait` seconds; stops after the first one. Raises OSError."""
    with raw(card, wire.ARP) as ends:
        own = mac(card)
        asking = wire.arp(1, own, address(card) or wire.NOBODY, "00:00:00:00:00:00", target)
        ends.send(wire.ethernet(wire.BROADCAST, own, wire.ARP, asking))
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            ends.settimeout(left)
            try:
                heard = ends.recvfrom(2048)
            except TimeoutError:
                break
            seen = wire.describe(heard[0])
            if incoming(heard) and seen.get("op") == 2 and seen["source"] == target:
                return [str(seen["sender_mac"])]
    return []


def _read(card: str, name: str) -> str:
    with open(f"/sys/class/net/{card}/{name}") as file:
        return file.read().strip()


def _asked(card: str, what: int) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, what, struct.pack("256s", card.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])
