"""Opens, lists and connects as each account of the node: what counts is what the kernel lets through, not modes."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import socket
from contextlib import suppress
from functools import partial

from wallcloud.verify.far.becoming import as_account

_MOST = 40
"""Of the files of one pattern so many are tried: the newest."""
_SECONDS = 2.0
_REFUSED = (PermissionError,)
_ABSENT = (FileNotFoundError, NotADirectoryError)


def places(patterns: list[str]) -> dict[str, list[str]]:
    """Pattern → the paths that are there, as root sees them."""
    return {pattern: _matching(pattern) for pattern in patterns}


def _matching(pattern: str) -> list[str]:
    found = glob.glob(pattern)  # noqa: PTH207 - patterns are absolute
    return sorted(found, key=_changed)[-_MOST:] if len(found) > _MOST else sorted(found)


def _changed(path: str) -> float:
    with suppress(OSError):
        return os.stat(path).st_mtime  # noqa: PTH116 - a text, and no object for each
    return 0.0


def shapes(paths: list[str]) -> dict[str, str]:
    """Path → `MODE OWNER:GROUP`, of those that are there."""
    found = {}
    for path in paths:
        with suppress(OSError, KeyError):
            status = os.stat(path)  # noqa: PTH116
            owner, group = pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name
            found[path] = f"{status.st_mode & 0o7777:04o} {owner}:{group}"
    return found


def tried(accounts: dict[str, list[tuple[str, str]]]) -> dict[str, list[str]]:
    """Account → for each (how, path) of its list: `opened`, `refused`, `absent` or what else happened."""
    return {name: as_account(name, partial(_each, tries)) for name, tries in accounts.items()}


def _each(tries: list[tuple[str, str]]) -> list[str]:
    return [_try(how, path) for how, path in tries]


def _try(how: str, path: str) -> str:
    try:
        if how == "connect":
            _connect(path)
        elif how == "reach":
            # Whether it could be connected: some start a program for each that comes.
            if not os.access(path, os.W_OK):
                return "refused" if os.path.exists(path) or not _told_absent(path) else "absent"  # noqa: PTH110
        elif os.path.isdir(path):  # noqa: PTH112
            os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        else:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC))
    except ConnectionRefusedError:
        return "opened"  # nobody listens, but the account was let through: the kernel looks at that first
    except _REFUSED:
        return "refused"
    except _ABSENT:
        return "absent"
    except OSError as error:
        return f"refused otherwise ({error.strerror})"
    return "opened"


def _told_absent(path: str) -> bool:
    try:
        os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _connect(path: str) -> None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as end:
            end.settimeout(_SECONDS)
            try:
                end.connect(path)
            except OSError as error:
                if error.errno == 91:  # EPROTOTYPE: of another kind
                    continue
                raise
            return
