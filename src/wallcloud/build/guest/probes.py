"""Honest probes: each sends through the kernel's own stack and says what came back."""

from __future__ import annotations

import os
import select
import socket
import struct
import time

from . import card, wire

Answer = dict[str, object]
_MTU_DISCOVER, _PROBE, _NEVER = 10, 3, 0  # ip(7): DF set whatever is known of the path; DF not set
_UNREACHABLE = {0: "network", 1: "host", 2: "protocol", 3: "port", 9: "network prohibited", 10: "host prohibited"}
_UNREACHABLE[13] = "administratively prohibited"


def ping(address: str, size: int = 84, df: bool = False, count: int = 1, wait: float = 1.0) -> Answer:
    """ICMP echo; `size` is the whole IPv4 packet, in bytes (28 or more). Raises OSError."""
    if size < 28:
        raise ValueError("size is the whole packet: 28 or more")
    identity = int.from_bytes(os.urandom(2), "big")
    times: list[float] = []
    errors: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, wire.ICMP) as ends:
        ends.setsockopt(socket.IPPROTO_IP, _MTU_DISCOVER, _PROBE if df else _NEVER)
        for number in range(count):
            started = time.monotonic()
            ends.sendto(wire.echo(8, identity, number, bytes(size - 28)), (address, 0))
            found = _echoed(ends, address, identity, number, started + wait)
            if isinstance(found, str):
                errors.append(found)
            elif found:
                times.append(round(time.monotonic() - started, 6))
    return {"ok": len(times) == count, "sent": count, "received": len(times), "rtt": times, "errors": errors}


def tcp(address: str, port: int, wait: float = 3.0, source: str = "") -> Answer:
    """Connects and closes. Raises OSError for local failures only."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as ends:
        if source:
            ends.bind((source, 0))
        ends.settimeout(wait)
        try:
            ends.connect((address, port))
        except OSError as error:
            return {"ok": False, "error": why(error)}
    return {"ok": True}


def udp(address: str, port: int, wait: float = 1.0, count: int = 1, size: int = 32, sport: int = 0) -> Answer:
    """Sends datagrams of `size` bytes of payload and waits for an answer to any of them. Raises OSError."""
    received, came_from, error = 0, None, "timeout"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ends:
        ends.bind(("", sport))
        ends.connect((address, port))  # so that ICMP errors are told
        for _ in range(count):
            try:
                ends.send(b"wallcloud".ljust(size, b".")[:size])
                if select.select([ends], [], [], wait)[0]:
                    ends.recv(65535)
                    received += 1
                    came_from = f"{address}:{port}"
            except OSError as failed:
                error = why(failed)
    answer: Answer = {"ok": received > 0, "sent": count, "received": received, "from": came_from}
    return answer if received else {**answer, "error": error}


def http(address: str, port: int = 80, path: str = "/", wait: float = 5.0) -> Answer:
    """One plain GET. Raises OSError only for what is no answer of the network."""
    try:
        status, body = get(address, port, path, wait)
    except OSError as error:
        return {"ok": False, "error": why(error)}
    except ValueError as error:
        return {"ok": False, "error": str(error)}
    return {"ok": status == 200, "status": status, "body": body[:4096].decode(errors="replace"), "size": len(body)}


def get(address: str, port: int, path: str, wait: float) -> tuple[int, bytes]:
    """Status and body of a GET; at most 16 MiB. Raises OSError, and ValueError if the answer is no HTTP."""
    whole = b""
    with socket.create_connection((address, port), wait) as ends:
        ends.sendall(f"GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        while len(whole) < 1 << 24 and (piece := ends.recv(65536)):
            whole += piece
    head, _, body = whole.partition(b"\r\n\r\n")
    words = head.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        raise ValueError("no HTTP answer")
    return int(words[1]), body


def resolve(name: str, server: str, wait: float = 2.0) -> Answer:
    """Asks a DNS server for a name's IPv4 addresses. Raises OSError."""
    identity = os.urandom(2)
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.rstrip(".").split("."))
    question = labels + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ends:
        ends.settimeout(wait)
        try:
            ends.connect((server, 53))
            ends.send(identity + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + question)
            answer = ends.recv(4096)
        except OSError as error:
            return {"ok": False, "error": why(error), "addresses": [], "rcode": None}
    rcode, count = answer[3] & 15, int.from_bytes(answer[6:8], "big")
    found, at = [], 12 + len(question)
    for _ in range(count):
        at = _past_name(answer, at)
        kind, _, _, size = struct.unpack_from("!HHIH", answer, at)
        at += 10 + size
        if kind == 1 and size == 4:
            found.append(socket.inet_ntoa(answer[at - 4 : at]))
    return {"ok": rcode == 0 and bool(found), "addresses": found, "rcode": rcode}


def arp(address: str, nic: str = "eth0", wait: float = 1.0, count: int = 1) -> Answer:
    """Asks the wire who has the address. Raises OSError."""
    found = {mac for _ in range(count) for mac in card.resolve(nic, address, wait)}
    return {"ok": bool(found), "macs": sorted(found)}


def why(error: OSError) -> str:
    """An error of the network in one word where there is one."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionResetError):
        return "reset"
    return error.strerror or str(error)


def _echoed(ends: socket.socket, address: str, identity: int, number: int, until: float) -> bool | str:
    """True when the answer came, the text of an ICMP error about our request, False after `until`."""
    while (left := until - time.monotonic()) > 0:
        if not select.select([ends], [], [], left)[0]:
            return False
        packet, (sender, _) = ends.recvfrom(65535)
        body = packet[(packet[0] & 15) * 4 :]
        kind, code = body[0], body[1]
        if kind == 0 and sender == address and struct.unpack("!HH", body[4:8]) == (identity, number):
            return True
        inner = body[8:]
        inside = inner[(inner[0] & 15) * 4 :] if len(inner) >= 28 else b""
        if kind in (3, 11) and struct.unpack("!HH", inside[4:8] or bytes(4)) == (identity, number):
            if (kind, code) == (3, 4):
                return f"fragmentation needed, mtu {int.from_bytes(body[6:8], 'big')} from {sender}"
            what = "time exceeded" if kind == 11 else f"{_UNREACHABLE.get(code, code)} unreachable"
            return f"{what}, from {sender}"
    return False


def _past_name(message: bytes, at: int) -> int:
    while message[at]:
        if message[at] & 0xC0 == 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1
