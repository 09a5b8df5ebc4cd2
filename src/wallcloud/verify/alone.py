"""One verify of a site at a time: its tenants have fixed names, and inventories are compared."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wallcloud.errors import WallcloudError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds a lock on an existing folder of the site's state; nothing is written. Raises WallcloudError where another
    verify holds it. The kernel drops it with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WallcloudError(
                "another verify of this site is running", where=str(folder), hint="wait until it ends"
            ) from None
        yield
    finally:
        os.close(descriptor)
