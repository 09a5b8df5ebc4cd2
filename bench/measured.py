"""A program run to its end, and what that took."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from wallcloud.frozen import frozen


@frozen
class Usage:
    """What a program took: `seconds` of wall time, `cpu` seconds of it and the children that it waited for, `peak_mib`
    of resident memory of the largest of these processes (getrusage(2))."""

    seconds: float
    cpu: float
    peak_mib: float
    output: str


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Usage:
    """Runs a program. Raises SystemExit with its output where it fails; interrupted, ends it and what it started."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=env, cwd=cwd, start_new_session=True
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode(errors="replace")
    if process.returncode:
        sys.exit(f"bench: {shlex.join(argv)} ended with {process.returncode}\n{output[-5000:]}")
    return Usage(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output)
