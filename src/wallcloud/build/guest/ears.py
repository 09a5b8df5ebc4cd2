"""`listen`, `heard`, `quiet`: named listeners that keep the frames that arrive and match."""

from __future__ import annotations

import socket
import struct
import threading
import time

from . import card, wire

Answer = dict[str, object]
KINDS = ("arp", "ipv4", "ipv6", "udp", "tcp", "icmp", "icmp6", "dhcp", "ra")
_KEPT = 1000
_MEMBERSHIP, _PROMISCUOUS = 1, 1  # packet(7)


class Ear:
    """One listener: a socket, a thread, what was heard."""

    def __init__(self, nic: str, tag: str, kind: str, source: str, mac: str) -> None:
        if kind and kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        self._tag, self._kind, self._source, self._mac = tag.encode(), kind, source, mac.lower()
        self._socket = card.raw(nic, card.ANY)
        index = socket.if_nametoindex(nic)
        self._socket.setsockopt(263, _MEMBERSHIP, struct.pack("iHH8s", index, _PROMISCUOUS, 0, b""))
        self._socket.settimeout(1)
        self._total = 0
        self._frames: list[Answer] = []
        self._news = threading.Condition()
        self._ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def heard(self, least: int, wait: float) -> Answer:
        """All that matched, once it is `least` frames or `wait` seconds have passed."""
        with self._news:
            self._news.wait_for(lambda: len(self._frames) >= least, wait)
            return {"ok": True, "total": self._total, "frames": list(self._frames)}

    def end(self) -> None:
        """Listens no more."""
        self._ended = True

    def _listen(self) -> None:
        with self._socket:
            while not self._ended:
                try:
                    came = self._socket.recvfrom(65535)
                except TimeoutError:
                    continue
                if card.incoming(came):
                    self._keep(came[0])

    def _keep(self, frame: bytes) -> None:
        seen = wire.describe(frame)
        tagged = bool(self._tag) and self._tag in frame
        matches = (
            (tagged or not self._tag)
            and (not self._kind or _is(self._kind, seen))
            and self._source in ("", seen["source"])
            and self._mac in ("", seen["source_mac"])
        )
        with self._news:
            self._total += 1
            if matches and len(self._frames) < _KEPT:
                self._frames.append({**seen, "tag": tagged, "at": round(time.clock_gettime(time.CLOCK_BOOTTIME), 3)})
                self._news.notify_all()


class Ears:
    """All listeners, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Ear] = {}

    def listen(self, name: str, nic: str, tag: str, kind: str, source: str, mac: str) -> Answer:
        """Starts one; one of the same name is replaced. Raises OSError, ValueError."""
        fresh = Ear(nic, tag, kind, source, mac)
        self.quiet(name)
        self._by_name[name] = fresh
        return {"ok": True}

    def heard(self, name: str, least: int, wait: float) -> Answer:
        """What it heard until now."""
        found = self._by_name.get(name)
        return found.heard(least, wait) if found else {"ok": False, "error": f"nobody listens as {name}"}

    def quiet(self, name: str) -> Answer:
        """Ends one."""
        found = self._by_name.pop(name, None)
        if found:
            found.end()
        return {"ok": found is not None}


def _is(kind: str, seen: Answer) -> bool:
    upper, icmp = seen["protocol"], seen["icmp"]
    return {
        "arp": seen["type"] == "0x0806",
        "ipv4": seen["type"] == "0x0800",
        "ipv6": seen["type"] == "0x86dd",
        "udp": upper == wire.UDP,
        "tcp": upper == wire.TCP,
        "icmp": upper == wire.ICMP,
        "icmp6": upper == wire.ICMP6,
        "dhcp": upper == wire.UDP and seen["dport"] in (67, 68),
        "ra": upper == wire.ICMP6 and isinstance(icmp, list) and icmp[0] == 134,
    }[kind]
