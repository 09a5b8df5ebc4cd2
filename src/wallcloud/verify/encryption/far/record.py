"""Records every frame on every interface of a node, and says afterwards what was in them.

What to look for may be known only later (a token), so the frames are kept in memory.
"""

from __future__ import annotations

import socket
import struct
import threading
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from wallcloud.verify.encryption.far.forms import Search
from wallcloud.verify.encryption.far.streams import Ends, joined, records, segment

_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_BUFFER = 64 * 1024 * 1024
_MOST = 512 * 1024 * 1024
_LARGEST = 1 << 17
_FIRST_PORT = 1024
_LEAST = 128


class Recorder:
    """Listens from its making on, until `stop`."""

    def __init__(self) -> None:
        self.frames: dict[str, list[bytes]] = defaultdict(list)
        self.lost = 0
        self._size = 0
        self._link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._link.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._on = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        self._link.settimeout(0.2)
        while self._on:
            try:
                frame, where = self._link.recvfrom(_LARGEST)
            except TimeoutError:
                continue
            if self._size > _MOST:
                self.lost += 1
                continue
            self._size += len(frame)
            self.frames[where[0]].append(frame)

    def stop(self) -> None:
        """Ends it; what the kernel dropped counts as lost. Once more does no harm."""
        if not self._on:
            return
        self._on = False
        self._thread.join()
        _, dropped = struct.unpack("II", self._link.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        self.lost += dropped
        self._link.close()


_recorders: list[Recorder] = []


def record() -> bool:
    """Starts one in place of any other; it hears from the answer on."""
    while _recorders:
        _recorders.pop().stop()
    _recorders.append(Recorder())
    return True


def record_end() -> bool:
    """It hears no more; what it heard is kept until it is asked for."""
    _recorders[-1].stop()
    return True


def shout(interface: str, canaries: dict[str, str]) -> int:
    """Says every form of every canary on an interface in the clear: each as a TCP stream of two segments, cut in its
    middle. The frames are broadcast to an address that nobody has (RFC 5737). Returns how many there were."""
    own = bytes.fromhex(
        Path(f"/sys/class/net/{interface}/address").read_text(encoding="ascii").strip().replace(":", "")
    )
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    search = Search(canaries)
    parts = [part for canary in canaries for part in search.parts(canary)]
    with link:
        link.bind((interface, 0))
        for stream, part in enumerate(parts):
            middle = len(part) // 2
            for number, body in ((1, part[:middle]), (1 + middle, part[middle:])):
                link.send(_frame(own, _FIRST_PORT + stream, number, body))
    return len(parts) * 2


def _frame(own: bytes, port: int, number: int, body: bytes) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", port, 9, number, 0, 5 << 4, 0x18, 1024, 0, 0) + body
    source, target = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 1, 6, 0, source, target)
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:]
    return b"\xff" * 6 + own + b"\x08\x00" + head + tcp


def heard(canaries: dict[str, str]) -> dict[str, Any]:
    """Ends a recording of shouts: `{lost, missing: {interface: {canary: [forms never heard]}}}`."""
    recorder = _recorders.pop()
    recorder.stop()
    search = Search(canaries)
    missing = {}
    for interface, frames in recorder.frames.items():
        runs = [run for _, each in joined(filter(None, map(segment, frames))) for run in each]
        missing[interface] = {canary: search.missing(runs, canary) for canary in canaries}
    return {"lost": recorder.lost, "missing": missing}


def searched(canaries: dict[str, str], watched: list[list[Any]]) -> dict[str, Any]:
    """What was recorded. `watched`: `[server's address, port]`.

    `{lost, frames: {interface: number}, hits: [[interface, canary, form, where]], passed: [[interface, source, sport,
    target, dport, bytes, TLS?]]}`: what of the canaries was in a frame or a stream, and what passed to and from the
    watched ports.
    """
    recorder = _recorders.pop()
    recorder.stop()
    search = Search(canaries)
    ports = {(address, port) for address, port in watched}
    hits: set[tuple[str, str, str, str]] = set()
    passed: list[list[Any]] = []
    for interface, frames in recorder.frames.items():
        segments = list(filter(None, map(segment, frames)))
        for ends, runs in joined(segments):
            for run in runs:
                hits |= {(interface, *each, _named(ends)) for each in search.found(run)}
            if ends[:2] in ports or ends[2:] in ports:
                passed.append([interface, *ends, sum(map(len, runs)), _are_tls(runs)])
        # Whatever is no TCP that this reader understands, frame by frame.
        rest = b"\0\0\0\0".join(frame for frame in frames if segment(frame) is None)
        hits |= {(interface, *each, "no TCP") for each in search.found(rest)}
    count = {interface: len(frames) for interface, frames in recorder.frames.items()}
    return {"lost": recorder.lost, "frames": count, "hits": sorted(hits), "passed": passed}


def _are_tls(runs: list[bytes]) -> bool:
    # A recording may begin and end within one record, all of the first run: nothing shrinks what is left of that.
    first, *others = runs
    left = len(first) >= _LEAST and len(zlib.compress(first)) >= len(first)
    return (left or is_tls(first)) and all(map(is_tls, others))


def is_tls(run: bytes) -> bool:
    """Whether it is TLS alone, but for how MariaDB begins: its greeting and the client's wish for TLS."""
    if run[4:5] == b"\x0a" and run[3:4] == b"\x00":
        run = run[4 + int.from_bytes(run[:3], "little") :]
    elif run[:4] == b"\x20\x00\x00\x01":
        run = run[36:]
    return not run or records(run)


def _named(ends: Ends) -> str:
    source, sport, target, dport = ends
    return f"tcp {source}:{sport} > {target}:{dport}"
