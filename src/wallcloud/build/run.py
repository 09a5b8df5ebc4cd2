"""Runs the programs that build uses; their failure becomes an error with their own last words."""

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

LAST_LINES = 20


@frozen
class Ran:
    """How a program ended: its exit status and the last lines of its output."""

    status: int
    last: tuple[str, ...]


def clean_environment(**more: str) -> dict[str, str]:
    """The user's environment without what would steer a Python or apt elsewhere, in the C locale, plus `more`."""
    gone = ("PYTHON", "VIRTUAL_ENV", "CONDA", "APT_CONFIG", "LC_", "LANG", "DEBIAN_", "DEBCONF_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    return {**kept, "LC_ALL": "C.UTF-8", **more}


def stream(
    argv: Sequence[str], on_line: Callable[[str], None], *, env: Mapping[str, str], cwd: Path, stdin: str = ""
) -> Ran:
    """Runs `argv` and hands each line of its output (stdout and stderr together) to `on_line` as it comes.

    Raises WallcloudError when the program cannot be started at all.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise WallcloudError(f"{argv[0]} cannot be started: {error.strerror}") from error
    with process:
        try:
            assert process.stdin is not None and process.stdout is not None  # noqa: S101  # both are pipes
            process.stdin.write(stdin)
            process.stdin.close()
            for line in process.stdout:
                text = line.rstrip("\n")
                last.append(text)
                on_line(text)
        except BaseException:
            process.kill()  # interrupted: nobody reads on, so it would hang on its full pipe
            raise
    return Ran(process.returncode, tuple(last))


def must(what: str, hint: str, ran: Ran) -> None:
    """Raises WallcloudError `what` (with `hint` and the output) if the program failed."""
    if ran.status != 0:
        raise WallcloudError(what, hint=hint, output=ran.last)
