"""The node's own account files, read once for all resources."""

import fcntl
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from wallcloud.frozen import frozen
from wallcloud.node import files
from wallcloud.node.resource import Context, ResourceFailed
from wallcloud.node.run import wait_for

LOCK_SECONDS = 15


@frozen
class Entry:
    """One line of /etc/passwd with its password's state (passwd(5), shadow(5))."""

    uid: int
    gid: int
    home: str
    shell: str
    locked: bool


@frozen
class GroupEntry:
    """One line of /etc/group (group(5)); `members` sorted."""

    gid: int
    members: tuple[str, ...]


@frozen
class Accounts:
    """What the node's files say."""

    accounts: Mapping[str, Entry]
    groups: Mapping[str, GroupEntry]

    def group_name(self, gid: int) -> str:
        return next((name for name, each in self.groups.items() if each.gid == gid), str(gid))

    def groups_of(self, account: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, each in self.groups.items() if account in each.members))


def accounts(ctx: Context) -> Accounts:
    """The node's accounts and groups as they are now."""
    return ctx.cached("accounts", _read)


def rewrite(account: str, uid: int, gid: int, home: str, shell: str) -> None:
    """Changes an account's line in /etc/passwd in one step, under the lock of passwd's own tools (lckpwdf(3)).

    usermod(8) would refuse while a process of the account runs, and change the owner of its home.
    """
    with Path("/etc/.pwd.lock").open("a") as lock:
        if not wait_for(lambda: _locked(lock), LOCK_SECONDS):
            raise ResourceFailed("another program has locked /etc/passwd", tried="lock /etc/.pwd.lock")
        rows = Path("/etc/passwd").read_text().splitlines()
        for number, row in enumerate(rows):
            fields = row.split(":")
            if fields[0] == account and len(fields) >= 7:
                rows[number] = ":".join((*fields[:2], str(uid), str(gid), fields[4], home, shell))
        files.write("/etc/passwd", "".join(f"{row}\n" for row in rows).encode(), "root", "root", 0o644)


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read() -> Accounts:
    passwords = {row[0]: row[1] for row in _rows("/etc/shadow", 2)}
    people = {
        row[0]: Entry(int(row[2]), int(row[3]), row[5], row[6], passwords.get(row[0], row[1])[:1] in {"!", "*"})
        for row in _rows("/etc/passwd", 7)
    }
    groups = {
        row[0]: GroupEntry(int(row[2]), tuple(sorted(each for each in row[3].split(",") if each)))
        for row in _rows("/etc/group", 4)
    }
    return Accounts(people, groups)


def _rows(path: str, least: int) -> list[list[str]]:
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            rows = [line.rstrip("\n").split(":") for line in file]
    except FileNotFoundError:
        return []
    return [row for row in rows if len(row) >= least]
