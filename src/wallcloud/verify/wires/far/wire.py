"""A machine on wires: sends frames as they are given, and hears what comes in at its cards and what goes out.

Frames go out below the firewall's hooks (packet(7)), so a node can play the hostile machine on every wire of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wallcloud.verify.far import loop

_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_BUFFER = 16 * 1024 * 1024
_SWITCH = Path("/run/openvswitch/ovs-vswitchd.pid")
_OUTGOING = 4
"""The packet type of what the machine itself sends (PACKET_OUTGOING)."""


class Ear:
    """Hears from its making on, on all interfaces.

    A shot is `{came: hex, answers: [[hex, …], …], passed: bool}`: `came` is in the frame that was aimed at this
    machine, and all of one of `answers` are in any frame that it sends because of that. It sends what has the MAC
    address of one of its interfaces: frames that its switch passes on are not its own, nor are those of VMs, routers
    and DHCP servers; with `passed` they count as well.
    """

    def __init__(self, shots: dict[str, dict[str, Any]]) -> None:
        self._came = {name: bytes.fromhex(each["came"]) for name, each in shots.items()}
        self._answers = {
            name: [[bytes.fromhex(word) for word in words] for words in each["answers"]] for name, each in shots.items()
        }
        self._passed = {name: self._answers[name] for name, each in shots.items() if each["passed"]}
        self._own = {bytes.fromhex(leg["mac"]) for leg in legs().values()}
        self._heard: dict[str, set[str]] = {name: set() for name in shots}
        self._sent: dict[str, set[str]] = {name: set() for name in shots}
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
                frame, (interface, _, kind, *_) = self._link.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            if kind == _OUTGOING:
                some = self._answers if frame[6:12] in self._own else self._passed
                found = [name for name, each in some.items() if any(all(w in frame for w in ws) for ws in each)]
                told = self._sent
            else:
                found = [name for name, word in self._came.items() if word in frame]
                told = self._heard
            if found:
                with self._changed:
                    for name in found:
                        told[name].add(interface)
                    self._changed.notify_all()

    def wait(self, names: Sequence[str], seconds: float) -> None:
        """Until all of these came, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: all(self._heard[name] for name in names), seconds)

    def end(self) -> dict[str, list[list[str]]]:
        """Shot → the interfaces where it came in, and those where something went out because of it."""
        self._on = False
        self._thread.join(2)
        self._link.close()
        return {name: [sorted(self._heard[name]), sorted(self._sent[name])] for name in self._heard}


_ears: list[Ear] = []


def legs() -> dict[str, dict[str, Any]]:
    """Interface → `{mac: hex, addresses: [IPv4]}`."""
    listing = subprocess.run(("ip", "-j", "addr", "show"), capture_output=True, check=True).stdout
    return {
        each["ifname"]: {
            "mac": each.get("address", "").replace(":", ""),
            "addresses": [known["local"] for known in each["addr_info"] if known["family"] == "inet"],
        }
        for each in json.loads(listing)
    }


def listen(shots: dict[str, dict[str, Any]]) -> bool:
    """Hears from the answer on."""
    _ears.append(Ear(shots))
    return True


def send(frames: list[list[str]]) -> bool:
    """[interface, hex] each, in this order, from one core: so they stay in order on the way into a machine nearby."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    links: dict[str, socket.socket] = {}
    try:
        for interface, frame in frames:
            if interface not in links:
                links[interface] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                links[interface].bind((interface, 0))
            links[interface].send(bytes.fromhex(frame))
    finally:
        for link in links.values():
            link.close()
    return True


def heard(last: list[str], rounds: int, seconds: float) -> dict[str, list[list[str]]]:
    """What `Ear.end` says, after the `last` came, and Open vSwitch, where it is, went `rounds` times around its loop.

    In user space the switch takes frames from its cards in the same loop that answers its control socket: what was on
    a card before the first question is through after some.
    """
    ear = _ears.pop()
    # One that does not come is not heard: the judge sees that.
    ear.wait(last, seconds)
    if shutil.which("ovs-appctl") and _SWITCH.exists():
        for _ in range(rounds):
            subprocess.run(("ovs-appctl", "-T", "5", "version"), capture_output=True, check=True)
    return ear.end()


def main() -> None:
    """Serves these kinds."""
    loop.serve({kind.__name__: kind for kind in (legs, listen, send, heard)})
