"""What a support bundle takes from a node: journal, network, units, configuration. Nothing is changed or written here.

Secrets that never leave the node (private keys, Keystone's keys) are taken out here; the deployer takes out its own.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from wallcloud.frozen import frozen
from wallcloud.node.failure import Cancelled, ResourceFailed
from wallcloud.node.redact import Redactor
from wallcloud.node.run import ENVIRONMENT, run
from wallcloud.node.session import Session

CONFIGURATION = "/etc/wallcloud"
FILE_LIMIT = 256 * 1024
OUTPUT_LIMIT = 2 * 1024 * 1024
_SECONDS = 20
_PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "network/addresses.txt": ("ip", "-d", "address"),
    "network/routes.txt": ("ip", "route", "show", "table", "all"),
    "network/rules.txt": ("ip", "rule"),
    "network/links.txt": ("ip", "-s", "-d", "link"),
    "network/namespaces.txt": ("ip", "netns"),
    "network/sockets.txt": ("ss", "-tuanp"),
    "network/firewall.nft": ("nft", "list", "ruleset"),
    "network/switch.txt": ("ovs-vsctl", "--timeout=10", "show"),
    "network/br-overlay.flows": ("ovs-ofctl", "--timeout=10", "dump-flows", "br-overlay"),
    "system/units.txt": ("systemctl", "list-units", "--all", "--full", "--no-pager"),
    "system/timers.txt": ("systemctl", "list-timers", "--all", "--full", "--no-pager"),
    "system/packages.txt": ("dpkg-query", "--show"),
    "system/disks.txt": ("df", "-h"),
    "system/memory.txt": ("free", "-m"),
    "system/processes.txt": ("ps", "-eo", "pid,ppid,user,rss,etime,stat,comm"),
    "system/kernel.txt": ("uname", "-a"),
    "system/clock.txt": ("chronyc", "-h", "/run/chrony/chronyd.sock", "tracking"),
    "system/guests.txt": ("virsh", "--readonly", "list", "--all"),
}
"""Member → what is run for it. A node without the program has no such member. No process's arguments: a tenant's or an
operator's own may hold what nobody can know here."""


@frozen
class Member:
    """One file of the bundle; `note`: what is not whole about it."""

    name: str
    data: bytes
    note: str = ""


def bundle(request: Mapping[str, Any], session: Session) -> int:
    """Answers `{"op": "bundle", "since": seconds since 1970, "journal": most bytes, "files": paths beside
    /etc/wallcloud, "keys": files and folders of secrets that stay here}`.

    Events: `member` (name, note, marks) with `data` behind it; `left-out` (name, why); `finished`. Returns the exit
    status.
    """
    keys = frozenset(request["keys"])
    redactor = Redactor(dict(_secrets(keys)))
    try:
        for member in _members(request, keys):
            if isinstance(member, _LeftOut):
                session.emit("left-out", name=member.name, why=member.why)
                continue
            cleaned = redactor.clean(member.data)
            if redactor.holds(cleaned.data):
                session.emit("left-out", name=member.name, why="a secret of the node is still in it")
                continue
            session.emit("member", name=member.name, note=member.note, marks=cleaned.marks)
            session.emit_data("data", cleaned.data)
    except Cancelled:
        return 3
    session.emit("finished", outcome="ok", applied=0, unchanged=0, planned=0, seconds=0.0)
    return 0


@frozen
class _LeftOut:
    name: str
    why: str


def _members(request: Mapping[str, Any], keys: frozenset[str]) -> Iterator[Member | _LeftOut]:
    for name, argv in _PROGRAMS.items():
        if (found := _output(name, argv)) is not None:
            yield found
    for path in _configuration(request["files"]):
        yield _file(path, keys)
    yield _journal(float(request["since"]), int(request["journal"]))


def _secrets(keys: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Each file of secrets, under its own name."""
    for key in sorted(keys):
        path = Path(key)
        for each in sorted(path.iterdir()) if path.is_dir() else [path]:
            if each.is_file():
                yield each.name, each.read_bytes()


def _output(name: str, argv: tuple[str, ...]) -> Member | _LeftOut | None:
    try:
        done = run(argv, timeout=_SECONDS, check=False)
    except ResourceFailed as failed:
        return _LeftOut(name, failed.what)
    if done.status == 127:
        return None
    text = f"$ {' '.join(argv)}\n{done.stdout}{done.stderr}".encode()
    note = "" if done.ok else f"{argv[0]} ended with status {done.status}"
    return Member(name, text, note) if len(text) <= OUTPUT_LIMIT else _cut(name, text)


def _cut(name: str, text: bytes) -> Member:
    return Member(name, text[:OUTPUT_LIMIT], f"cut: the first {OUTPUT_LIMIT} of {len(text)} bytes")


def _configuration(files: list[str]) -> Iterator[str]:
    """Every file in the folder of configuration, and those elsewhere that the design names."""
    found = {str(Path(folder) / name) for folder, _, names in os.walk(CONFIGURATION) for name in names}
    yield from sorted(found | {*files})


def _file(path: str, keys: frozenset[str]) -> Member | _LeftOut:
    name = f"files{path}"
    if path in keys:
        return _LeftOut(name, "it is a key")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        return _LeftOut(name, str(error.strerror))
    if len(data) > FILE_LIMIT:
        return _LeftOut(name, f"it is larger than {FILE_LIMIT} bytes")
    return Member(name, data)


def _journal(since: float, limit: int) -> Member:
    """The journal from `since` on; of one that is longer than `limit`, its last lines."""
    argv = ("journalctl", "--no-pager", "--quiet", "--output=short-iso-precise", "--all", "--reverse")
    with subprocess.Popen(
        (*argv, f"--since=@{since:.0f}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        lines, whole = last_lines(process.stdout, limit)
        process.kill()
    note = "" if whole else f"cut: the last {sum(map(len, lines))} bytes; --since, or --journal, takes less or more"
    return Member("journal.txt", b"".join(lines), note)


_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT")


def last_lines(newest_first: IO[bytes], limit: int) -> tuple[list[bytes], bool]:
    """Entries of at most `limit` bytes together, the oldest first; and whether that is all of them.

    An entry of several lines has its stamp on the first alone, and its lines in their order.
    """
    entries: list[bytes] = []
    held: list[bytes] = []
    left = limit
    for line in newest_first:
        begins = _STAMP.match(line) is not None
        if begins and held:
            entries.append(b"".join(held))
            held = []
        left -= len(line)
        if left < 0:
            return entries[::-1], False
        held.append(line)
    return [b"".join(held), *entries[::-1]] if held else [], True
