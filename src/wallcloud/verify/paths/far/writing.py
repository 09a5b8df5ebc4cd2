"""What others than its owner and group may write: a file that root or a service reads is as good as its account."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

WHERE = ("/etc", "/usr", "/opt", "/boot", "/root", "/var/lib/wallcloud")


def writable() -> list[str]:
    """Files and folders there, on the file system of each, that everybody may write; links and sticky folders aside."""
    found: list[str] = []
    for top in WHERE:
        with suppress(OSError):
            found += _below(top, os.stat(top).st_dev)  # noqa: PTH116
    return sorted(found)


def _below(top: str, device: int) -> list[str]:
    found = []
    folders = [top]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                mode = status.st_mode
                sticky = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
                if mode & stat.S_IWOTH and not sticky and (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                    found.append(entry.path)
                if stat.S_ISDIR(mode) and status.st_dev == device:
                    folders.append(entry.path)
    return found
