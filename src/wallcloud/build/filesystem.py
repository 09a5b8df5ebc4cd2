"""Locks, syncing and mounts: what the cache asks of the file system."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def flock(path: Path, how: int) -> Iterator[None]:
    """Holds flock(2) `how` (LOCK_SH, LOCK_EX, or'ed with LOCK_NB: BlockingIOError when taken) on the file `path`."""
    # A fresh descriptor each time: flock belongs to the open file, so threads exclude each other as well.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """fsync(2) of a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def mounted(tree: Path) -> bool:
    """Whether any process has a mount that names `tree` (as its root or in its options: an overlay's lower layer)."""
    name = str(tree).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")
    seen: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            namespace = str((process / "ns/mnt").readlink())
            if namespace not in seen:
                seen.add(namespace)
                if re.search(re.escape(name) + r"(?![\w.-])", (process / "mountinfo").read_text(errors="replace")):
                    return True
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return False
