"""What a node or a place does for reachability: tells of itself, listens, sends, and opens its wall for one packet."""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from wallcloud.verify.far import loop
from wallcloud.verify.reach.far import sender
from wallcloud.verify.reach.far.ears import Ears
from wallcloud.verify.reach.far.watcher import Watcher

_SIOCGIFHWADDR = 0x8927
_LISTENS = {"tcp": "0A", "udp": "07"}
"""The state of a socket that takes what comes, in /proc/net (linux/tcp_states.h)."""
_ears: list[Ears] = []
_watchers: list[Watcher] = []


def tell() -> dict[str, Any]:
    """`{macs: {interface: hex}, open: [[protocol, port]]}`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        macs = {
            name: fcntl.ioctl(asking, _SIOCGIFHWADDR, struct.pack("256s", name.encode()))[18:24].hex()
            for _, name in socket.if_nameindex()
        }
    found = {
        (protocol, int(fields[1].rpartition(":")[2], 16))
        for protocol, state in _LISTENS.items()
        for table in (Path(f"/proc/net/{protocol}"), Path(f"/proc/net/{protocol}6"))
        if table.exists()
        for fields in map(str.split, table.read_text().splitlines()[1:])
        if fields[3] == state
    }
    return {"macs": macs, "open": sorted(map(list, found))}


def sources(addresses: list[str]) -> dict[str, str]:
    """From which address this place would ask each of these; those that it has no route to are not in it."""
    found = {}
    for address in addresses:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, suppress(OSError):
            asking.connect((address, 9))
            found[address] = asking.getsockname()[0]
    return found


def ways() -> list[list[Any]]:
    """[firewall mark, next hop] of each way that a rule of this place's leads to: a lab's router has them."""
    found: list[list[Any]] = []
    for rule in json.loads(_ip("rule", "show")):
        if "fwmark" in rule:
            hops = {each["gateway"] for each in json.loads(_ip("route", "show", "table", rule["table"]))}
            found += [[int(rule["fwmark"], 16), hop] for hop in sorted(hops)]
    return found


def _ip(*words: str) -> str:
    return subprocess.run(("ip", "-json", *words), capture_output=True, text=True, check=True).stdout or "[]"


def listen(run: int, translated: bool = False) -> bool:
    """Starts the ears; they hear from the answer on."""
    _ears.append(Ears(run, translated))
    return True


def send(shots: list[sender.Shot], core: int) -> list[str]:
    """See `sender.send`."""
    return sender.send(shots, core)


def wait(marks: list[list[Any]], asked: list[list[str]], seconds: float) -> tuple[list[Any], list[Any]]:
    """See `Ears.wait`."""
    return _ears[-1].wait(
        [(number, kind, way) for number, kind, way in marks], [(card, who, whom) for card, who, whom in asked], seconds
    )


def heard() -> dict[str, Any]:
    """`{records, lost}` of the ears, which go on."""
    return {"records": _ears[-1].records(), "lost": _ears[-1].lost()}


def deaf() -> bool:
    """Ends the ears."""
    while _ears:
        _ears.pop().stop()
    return True


def watch(shots: list[sender.Shot], run: int, leaving: bool) -> bool:
    """Starts to try these round after round; answers when it is known what is shut to begin with."""
    _watchers.append(Watcher(shots, run, leaving))
    _watchers[-1].settle()
    return True


def watched() -> dict[str, Any]:
    """See `Watcher.end`."""
    return _watchers.pop().end()


def open_wall(rules: list[list[str]]) -> list[list[str]]:
    """Puts each rule [chain, text] at the chain's head; [chain, handle] of each, for `close_wall`."""
    found = []
    for chain, text in rules:
        done = _nft("--echo", "--handle", "insert", "rule", "inet", "wallcloud", chain, *text.split())
        found.append([chain, done.rpartition("# handle ")[2].split()[0]])
    return found


def close_wall(handles: list[list[str]]) -> bool:
    """Takes them away again."""
    for chain, handle in handles:
        _nft("delete", "rule", "inet", "wallcloud", chain, "handle", handle)
    return True


def _nft(*words: str) -> str:
    done = subprocess.run(("nft", *words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"nft {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def main() -> None:
    """Serves these kinds."""
    kinds = (tell, sources, ways, listen, send, wait, heard, deaf, watch, watched, open_wall, close_wall)
    loop.serve({kind.__name__: kind for kind in kinds})
