"""The HTTP responder on port 80: GET only, one answer a connection."""

from __future__ import annotations

import json
import socket
import time

from .about import About

_PERIOD = 251  # byte i of a large body is i % 251: a prime, so that a lost block of any usual size shows
_MIB = 1 << 20
_BLOCK = bytes(range(_PERIOD)) * 262  # 64 KiB and a bit


def serve(ends: socket.socket, about: About) -> None:
    """Answers one connection. Raises OSError when the client leaves."""
    ends.settimeout(30)
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 8192:
        piece = ends.recv(4096)
        if not piece:
            return
        head += piece
    words = head.split(b"\r\n")[0].decode(errors="replace").split()
    if len(words) < 2 or words[0] != "GET":
        _answer(ends, 405, b"GET only\n")
        return
    path, _, query = words[1].partition("?")
    options = dict(each.partition("=")[::2] for each in query.split("&") if each)
    if path == "/large":
        try:
            mib, kib = int(options.get("mib", "64")), int(options.get("kib", "0"))
        except ValueError:
            _answer(ends, 400, b"mib and kib are numbers\n")
            return
        large(ends, mib * _MIB, kib * 1024)
    elif path == "/":
        _answer(ends, 200, json.dumps(about.name()).encode() + b"\n", "application/json")
    elif path == "/about":
        _answer(ends, 200, json.dumps(about.whole()).encode() + b"\n", "application/json")
    elif path == "/user-data" and about.user_data is not None:
        _answer(ends, 200, about.user_data, "application/octet-stream")
    elif path == "/user-data-digest" and about.user_data is not None:
        _answer(ends, 200, about.digest().encode() + b"\n")
    else:
        _answer(ends, 404, b"not here\n")


def large(ends: socket.socket, size: int, rate: int) -> None:
    """`size` bytes at `rate` bytes a second (0: as fast as it goes). Raises OSError when the client leaves."""
    ends.sendall(_head(200, size, "application/octet-stream"))
    piece = max(1, min(65536, rate // 4)) if rate else 65536  # four pieces a second keep a slow one moving
    started, sent = time.monotonic(), 0
    while sent < size:
        at = sent % _PERIOD
        sent += ends.send(_BLOCK[at : at + min(piece, size - sent)])
        if rate and (ahead := sent / rate - (time.monotonic() - started)) > 0:
            time.sleep(ahead)


def _head(status: int, size: int, kind: str) -> bytes:
    return (
        f"HTTP/1.0 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    )


def _answer(ends: socket.socket, status: int, body: bytes, kind: str = "text/plain") -> None:
    ends.sendall(_head(status, len(body), kind) + body)
