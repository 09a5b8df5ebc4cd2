"""For all rooms: helpers of the tests are imported as `tests.ROOM.…`, for pytest as for mypy.

A machine where nothing was installed by hand gets the programs that the tests use, as `wallcloud lab up` gets its own.
"""

import os
import sys
from pathlib import Path

import pytest

from wallcloud.build.tools import prerequisites
from wallcloud.progress import Silent

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

PROGRAMS = (
    *("ethtool", "ip", "mksquashfs", "mmdebstrap", "nft", "openssl", "setpriv", "ssh", "systemd-nspawn", "unshare"),
    "unsquashfs",
)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Installs what lacks; without root, tests that need a program say so themselves."""
    if os.geteuid() == 0 and not session.config.option.collectonly:
        prerequisites(PROGRAMS, Silent())
