"""Hears every frame on every interface of a node and counts those that hold given bytes, by interface.

A pattern is `{bytes, unless}` in hex: frames that hold `bytes` and not `unless`. (A guest is told over the network what
to send: the words of the order hold the tag too, after `tag=`.)
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from typing import Any

_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_BUFFER = 16 * 1024 * 1024


class Sniffer:
    """Listens from its making on, until `stop`."""

    def __init__(self, patterns: dict[str, dict[str, str]]) -> None:
        self._patterns = {
            name: (bytes.fromhex(each["bytes"]), bytes.fromhex(each.get("unless", "")))
            for name, each in patterns.items()
        }
        self._heard: dict[str, Counter[str]] = {name: Counter() for name in patterns}
        self._total = 0
        self._changed = threading.Condition()
        self._link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._link.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._link.settimeout(0.5)
        self._on = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while self._on:
            try:
                frame, where = self._link.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            self._total += 1
            for name, (wanted, unless) in self._patterns.items():
                if wanted in frame and not (unless and unless in frame):
                    with self._changed:
                        self._heard[name][where[0]] += 1
                        self._changed.notify_all()

    def heard(self) -> dict[str, Any]:
        """`{total, heard: {pattern: {interface: frames}}}`."""
        with self._changed:
            return {"total": self._total, "heard": {name: dict(seen) for name, seen in self._heard.items()}}

    def wait(self, pattern: str, but: str, seconds: float) -> bool:
        """Until the pattern was heard on an interface other than `but`; False where it was not in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not any(where != but for where in self._heard[pattern]):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def stop(self) -> None:
        """Ends it."""
        self._on = False
        self._thread.join(2)
        self._link.close()


_sniffers: dict[str, Sniffer] = {}


def sniff(name: str, patterns: dict[str, dict[str, str]]) -> bool:
    """Starts a sniffer; it hears from the answer on."""
    _sniffers[name] = Sniffer(patterns)
    return True


def sniff_wait(name: str, pattern: str, but: str, seconds: float) -> bool:
    """See `Sniffer.wait`."""
    return _sniffers[name].wait(pattern, but, seconds)


def sniff_end(name: str) -> dict[str, Any]:
    """What was heard; the sniffer is gone."""
    sniffer = _sniffers.pop(name)
    heard = sniffer.heard()
    sniffer.stop()
    return heard
