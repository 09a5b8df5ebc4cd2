"""Where the node's disk, processes and journal hold a secret.

The site's secrets do not come here: a node that has none of another's is told none. What comes are salted digests, and
every run of hexadecimal digits that is long enough is looked at through them. The keys that were born on the node are
read here and searched as they are.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from wallcloud.verify.far import processes

_CHUNK, _OVERLAP = 8 << 20, 4096
_DIGITS = 64
"""Each secret of Wallcloud's is so many hexadecimal digits (256 bits)."""
_TOLD = 3
"""Of each the first so many come before the digest: 12 of 256 bits, so that few runs have to be digested."""
_HEX = b"0123456789abcdefABCDEF"
_SHAPE = bytes(ord("x") if byte in _HEX else ord(" ") for byte in range(256))
_RUN = b"x" * _DIGITS
_WHOLE = ("/etc", "/run", "/tmp", "/var/tmp", "/var/log", "/var/lib/wallcloud", "/root", "/home", "/srv", "/dev/shm")  # noqa: S108
"""Where files are searched that others cannot read, too."""
_NOT = ("/proc", "/sys", "/var/log/journal")
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/")
_LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "overlay", "tmpfs", "devtmpfs", "zfs", "f2fs", "vfat"})
_JOURNAL = ("/usr/bin/journalctl", "--no-pager", "--quiet", "--output=export")
_PEM = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----\s+([^-]+?)\s+-----END")
_FEW_LINES = 6


class Search:
    """For the secrets of the site (by digest) and of the node (as they are)."""

    def __init__(self, salt: str, digests: dict[str, str], keys: dict[str, bytes]) -> None:
        self._salt = salt.encode()
        self._digests = {text[_TOLD:]: name for name, text in digests.items()}
        self._begins = sorted({text[:_TOLD].encode() for text in digests.values()})
        self._keys = keys

    def names(self, data: bytes) -> set[str]:
        """Of the secrets that are in it."""
        found = {name for name, text in self._keys.items() if text in data}
        # Every byte becomes a digit or none: a run is then found as a text, ten times as fast as by a pattern.
        shape = data.translate(_SHAPE)
        at = shape.find(_RUN)
        while at >= 0:
            end = shape.find(b" ", at)
            end = len(data) if end < 0 else end
            found |= self._in_run(data[at:end].lower())
            at = shape.find(_RUN, end)
        return found

    def patterns(self) -> bytes:
        """For grep, one on a line: whatever line may hold one of them matches."""
        return b"\n".join((b"[0-9a-fA-F]{%d}" % _DIGITS, *(re.escape(text) for text in self._keys.values()), b""))

    def _in_run(self, run: bytes) -> set[str]:
        found: set[str] = set()
        for begin in self._begins:
            at = run.find(begin, 0, len(run) - _DIGITS + _TOLD)
            while at >= 0:
                digest = hashlib.sha256(self._salt + run[at : at + _DIGITS]).hexdigest()
                if digest in self._digests:
                    found.add(self._digests[digest])
                at = run.find(begin, at + 1, len(run) - _DIGITS + _TOLD)
        return found


def search(salt: str, digests: dict[str, str], keys: list[str], pruned: list[str]) -> dict[str, Any]:
    """`{keys: [name], files: {name: [path]}, arguments: {…}, environments: {…}, journal: {…}, dumps: [path],
    counted: {kind: number}}`; `pruned` are folders that are not looked into."""
    born = _born(keys)
    looking = Search(salt, digests, born)
    files, dumps, counted = _files(looking, pruned)
    arguments, environments, number = _processes(looking)
    journal, size = _journal(looking)
    return {
        "keys": sorted(born),
        "files": files,
        "arguments": arguments,
        "environments": environments,
        "journal": journal,
        "dumps": dumps,
        "counted": {"files": counted, "arguments": number, "environments": number, "journal": size},
    }


def _born(patterns: Iterable[str]) -> dict[str, bytes]:
    """Keys of the node by path: of PEM files a line, which no other file has."""
    found: dict[str, bytes] = {}
    for pattern in patterns:
        for path in sorted(glob.glob(pattern)):  # noqa: PTH207 - patterns are absolute
            with suppress(OSError):
                data = Path(path).read_bytes()
                pem = _PEM.search(data)
                text = _telling(pem[1], pem[2].split()) if pem else data.strip()
                if len(text) >= 32:
                    found[path] = text
    return found


def _telling(kind: bytes, lines: list[bytes]) -> bytes:
    """The line of a key that tells something of its private half: certificates and .pub files show the other. Of an
    elliptic curve that is the second (PKCS #8) or the fourth (OpenSSH), of RSA one near the end."""
    if len(lines) > _FEW_LINES:
        return lines[-3]
    return lines[min(3 if b"OPENSSH" in kind else 1, len(lines) - 1)]


def _files(looking: Search, pruned: Iterable[str]) -> tuple[dict[str, list[str]], list[str], int]:
    packaged, newest = _packaged()
    found: dict[str, list[str]] = {}
    dumps: list[str] = []
    count = 0
    for path, status, everyone in _walk({*_NOT, *pruned}):
        if re.fullmatch(r"core(\.\d+)?|.*\.core|core\..*\.(zst|lz4|xz)", os.path.basename(path)) and _is_dump(path):  # noqa: PTH119
            dumps.append(path)
        whole = path.startswith(tuple(f"{top}/" for top in _WHOLE))
        if not (everyone or whole) or (path in packaged and status.st_ctime <= newest):
            continue
        count += 1
        with suppress(OSError):
            for name in _in_file(looking, path):
                found.setdefault(name, []).append(path)
    return found, dumps, count


def _in_file(looking: Search, path: str) -> set[str]:
    found: set[str] = set()
    with Path(path).open("rb") as file:
        rest = b""
        while data := file.read(_CHUNK):
            found |= looking.names(rest + data)
            rest = data[-_OVERLAP:]
    return found


def _is_dump(path: str) -> bool:
    with suppress(OSError), Path(path).open("rb") as file:
        head = file.read(18)
        # ELF's e_type is ET_CORE (elf(5)); systemd-coredump's are packed.
        return (head[:4] == b"\x7fELF" and head[16] == 4) or path.endswith((".zst", ".lz4", ".xz"))
    return False


def _packaged() -> tuple[frozenset[str], float]:
    """What dpkg has put under /usr and /boot, and when it last did: what changed later is no longer a package's."""
    found: set[str] = set()
    newest = 0.0
    for path in Path("/var/lib/dpkg/info").glob("*.list"):
        newest = max(newest, path.stat().st_ctime)
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(("/usr/", "/boot/", *_MERGED)):
                found.add(f"/usr{line}" if line.startswith(_MERGED) else line)
    return frozenset(found), newest


def _walk(pruned: set[str]) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Regular files of local file systems, and whether everyone reaches and reads them."""
    kinds = _kinds()
    ahead = [("/", True)]
    while ahead:
        folder, open_ = ahead.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    if entry.path not in pruned and kinds.get(entry.path, "ext4") in _LOCAL:
                        ahead.append((entry.path, open_ and bool(status.st_mode & stat.S_IXOTH)))
                elif stat.S_ISREG(status.st_mode):
                    yield entry.path, status, open_ and bool(status.st_mode & stat.S_IROTH)


def _kinds() -> dict[str, str]:
    """Mount point → kind of its file system."""
    lines = (line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines())
    return {words[1]: words[2] for words in lines}


def _processes(looking: Search) -> tuple[dict[str, list[str]], dict[str, list[str]], int]:
    found: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
    count = 0
    for pid in processes.numbers():
        with suppress(OSError):
            who = processes.about(pid)
            count += 1
            for kind, where in zip(("cmdline", "environ"), found, strict=True):
                for name in looking.names((processes.PROC / str(pid) / kind).read_bytes()):
                    where.setdefault(name, []).append(f"{who['name']} (pid {pid}, {who['account']}, {who['unit']})")
    return (*found, count)


def _journal(looking: Search) -> tuple[dict[str, list[str]], int]:
    """What is kept of logs, with all fields; unpacked by journalctl, sifted by grep, whose patterns no argument shows.
    Only where something is found the entries are looked at one by one."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(looking.patterns())
    with (
        subprocess.Popen(_JOURNAL, stdout=subprocess.PIPE) as journal,
        subprocess.Popen(
            ["/usr/bin/grep", "--text", "--extended-regexp", f"--file=/dev/fd/{reading}"],
            stdin=journal.stdout,
            stdout=subprocess.PIPE,
            pass_fds=(reading,),
            env={"LC_ALL": "C"},
        ) as sieve,
    ):
        os.close(reading)
        names = looking.names(sieve.stdout.read() if sieve.stdout else b"")
    size = sum(
        path.stat().st_size for top in ("/var/log", "/run/log") for path in Path(top).glob("journal/*/*.journal*")
    )
    return (_units(looking) if names else {}), size


def _units(looking: Search) -> dict[str, list[str]]:
    """Secret → the units whose entries hold it."""
    found: dict[str, set[str]] = {}
    with subprocess.Popen(_JOURNAL, stdout=subprocess.PIPE) as journal:
        rest = b""
        while journal.stdout and (data := journal.stdout.read(_CHUNK)):
            whole = rest + data
            for name in looking.names(whole):
                found.setdefault(name, set()).add(_unit_in(whole, looking, name))
            rest = data[-_OVERLAP:]
    return {name: sorted(units) for name, units in found.items()}


def _unit_in(data: bytes, looking: Search, name: str) -> str:
    """The unit of the entry that holds it."""
    for entry in data.split(b"\n\n"):
        if name in looking.names(entry):
            unit = re.search(rb"^(?:_SYSTEMD_UNIT|UNIT|SYSLOG_IDENTIFIER)=(.*)$", entry, re.MULTILINE)
            return unit[1].decode(errors="replace") if unit else "the kernel"
    return "an entry"
