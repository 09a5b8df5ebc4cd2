"""Every socket of a node that hears, read from the kernel in each of its network namespaces (proc(5), /proc/net).

A namespace is found by its name in /run/netns, by any thread that is in it, by a descriptor that keeps it, and by a
mount of it anywhere.
"""

from __future__ import annotations

import ctypes
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from wallcloud.verify.far import processes

_NETNS = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_OWN = "/proc/self/ns/net"
"""The program comes by SSH, so it is where the node itself is."""
_HERE = "/proc/thread-self/net"
_LISTEN, _CONNECTED = "0A", "01"
_ACCEPTS = 0x10000
_STREAMS = ("0001", "0005")
_INTERNET = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")

Row = dict[str, Any]


def sockets() -> dict[str, Any]:
    """`{spaces: {inode: name}, sockets: [{space, kind, at, to, inode, by, holders: [{pid, account, name, unit}]}]}`.

    `by` is the account in whose name a socket was made, "" where the kernel does not say (unix). What is there for a
    moment only (before and after the processes were looked at) is left out.
    """
    before = _tables()
    holders = _holders()
    after = _tables()
    found = []
    for inode, rows in after.items():
        was = {(row["kind"], row["at"], row["inode"]) for row in before.get(inode, ())}
        for row in rows:
            if (row["kind"], row["at"], row["inode"]) in was:
                found.append({**row, "space": inode, "holders": holders.get(row["inode"], [])})
    names = {space: name for space, (name, _) in _spaces().items()}
    return {"spaces": {space: names.get(space, space) for space in after}, "sockets": found}


def _tables() -> dict[str, list[Row]]:
    """Namespace → what hears in it."""
    found: dict[str, list[Row]] = {}
    for space, (_, path) in _spaces().items():
        with suppress(OSError):  # it went in the meantime
            found[space] = _inside(path)
    return found


def _spaces() -> dict[str, tuple[str, str]]:
    """Inode → its name and a path by which it is entered. The node's own has the name ""."""
    own = _inode(_OWN)
    found: dict[str, tuple[str, str]] = {own: ("", _OWN)}
    if _NETNS.is_dir():
        for path in sorted(_NETNS.iterdir()):
            with suppress(OSError):
                found.setdefault(str(path.stat().st_ino), (path.name, str(path)))
    mounted: set[str] = set()
    for pid in processes.numbers():
        with suppress(OSError):
            for task in (processes.PROC / str(pid) / "task").iterdir():
                inside = f"{task}/ns/net"
                with suppress(OSError):
                    inode = _inode(inside)
                    if inode not in found:
                        found[inode] = (processes.unit_of(pid) or f"of process {pid}", inside)
        for descriptor, link in processes.descriptors(pid):
            if (kept := re.fullmatch(r"net:\[(\d+)\]", link)) and kept[1] not in found:
                found[kept[1]] = (f"kept by process {pid}", str(descriptor))
        with suppress(OSError):
            mounts = str((processes.PROC / str(pid) / "ns/mnt").readlink())
            if mounts not in mounted:
                mounted.add(mounts)
                for inode, where in _mounts(pid):
                    found.setdefault(inode, (where, f"/proc/{pid}/root{where}"))
    return found


def _mounts(pid: int) -> Iterator[tuple[str, str]]:
    """Network namespaces that are mounted where a process sees them: inode, mount point."""
    with (processes.PROC / str(pid) / "mountinfo").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if kept := re.fullmatch(r"net:\[(\d+)\]", words[3]):
                yield kept[1], words[4]


def _inode(path: str) -> str:
    return str(Path(path).stat().st_ino)


def _inside(path: str) -> list[Row]:
    """What hears in the namespace at `path`. A thread goes there and ends: /proc/thread-self is its view."""
    answer: list[list[Row] | OSError] = []

    def look() -> None:
        try:
            _enter(path)
            answer.append([*_internet(), *_packet(), *_unix()])
        except OSError as error:
            answer.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    (told,) = answer
    if isinstance(told, OSError):
        raise told
    return told


def _enter(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


def _lines(name: str) -> list[str]:
    try:
        return Path(_HERE, name).read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except FileNotFoundError:
        return []  # the kernel has no such protocol


def _internet() -> Iterator[Row]:
    for name in _INTERNET:
        kind = name.removesuffix("6")
        for line in _lines(name):
            words = line.split()
            here, there, state, uid, inode = words[1], words[2], words[3], words[7], words[9]
            if kind == "tcp" and state != _LISTEN:
                continue
            address, port = _address(here)
            to = "{}:{}".format(*_address(there)) if state == _CONNECTED else ""
            at = f"{int(here.rpartition(':')[2], 16)}" if kind == "raw" else f"{address}:{port}"
            if kind == "raw" and name.endswith("6"):
                at += " (IPv6)"
            yield {"kind": kind, "at": at, "to": to, "inode": inode, "by": processes.name_of(int(uid))}


def _address(text: str) -> tuple[str, int]:
    """The kernel's hexadecimal address, words in the order of this machine's bytes, and port."""
    digits, _, port = text.rpartition(":")
    packed = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed), int(port, 16)
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]", int(port, 16)


def _packet() -> Iterator[Row]:
    """Packet sockets by interface; what was opened for no protocol hears nothing (packet(7))."""
    names = {str(index): name for index, name in socket.if_nameindex()}
    for line in _lines("packet"):
        words = line.split()
        protocol, index, uid, inode = words[3], words[4], words[7], words[8]
        if int(protocol, 16):
            at = "any interface" if index == "0" else names.get(index, index)
            yield {"kind": "packet", "at": at, "to": "", "inode": inode, "by": processes.name_of(int(uid))}


def _unix() -> Iterator[Row]:
    """Who accepts, and datagram sockets with a name."""
    for line in _lines("unix"):
        words = line.split(None, 7)
        flags, kind, inode = words[3], words[4], words[6]
        path = words[7] if len(words) > 7 else ""
        if int(flags, 16) & _ACCEPTS or (path and kind not in _STREAMS):
            # The kernel writes NUL as @, and /var/run is /run.
            at = re.sub(r"^/var/run/", "/run/", path) or "without a name"
            yield {"kind": "unix", "at": at, "to": "", "inode": inode, "by": ""}


def _holders() -> dict[str, list[Row]]:
    """Inode of a socket → the processes that have it open."""
    found: dict[str, list[Row]] = {}
    for pid in processes.numbers():
        inodes = {link[8:-1] for _, link in processes.descriptors(pid) if link.startswith("socket:[")}
        if inodes:
            with suppress(OSError):
                who = processes.about(pid)
                for inode in inodes:
                    found.setdefault(inode, []).append(who)
    return found
