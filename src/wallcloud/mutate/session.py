"""A hole held open on a node: it lives no longer than the session that opened it.

The script goes in by standard input and is kept on the node before anything is changed (`holes/driver.sh`). Then
standard input is the life line: when it ends (we say so, we are killed, the connection breaks), the node closes the
hole. What even the node could not close (it lost its power) is closed by the next run (`heal`).
"""

from __future__ import annotations

import selectors
import shlex
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wallcloud.errors import WallcloudError
from wallcloud.mutate.hole import LIBRARY, Hole

OnNode = Callable[[str, list[str]], list[str]]
"""(node, argv) → the argv that runs it there as root."""
LEFT = "/var/lib/wallcloud-mutation"
"""On a node: a folder for each hole that is open, with `close` in it. Not in /run, for a reboot closes no file."""
DRIVER = Path(__file__).parent / "driver.sh"
SECONDS = 120.0
"""To open or to close one."""
_READ = "IFS= read -r -d '' script && eval \"$script\""
_HEAL = 'for each in "$0"/*/close; do [ ! -e "$each" ] || { bash "$each" heal >&2 && echo "$each"; } || exit 1; done'


class Unopened(WallcloudError):
    """The hole could not be made; what was begun is closed."""


class Unclosed(WallcloudError):
    """The hole is open still."""


def script(hole: Hole, words: Mapping[str, str]) -> str:
    """What runs on the node."""
    named = {**words, "id": hole.id, "folder": f"{LEFT}/{hole.id}"}
    lines = [f"{word}={shlex.quote(text)}" for word, text in named.items()]
    return "\n".join(["set -Eeuo pipefail; umask 077", *lines, LIBRARY.read_text(), hole.script, DRIVER.read_text()])


@contextmanager
def opened(hole: Hole, words: Mapping[str, str], on_node: OnNode) -> Iterator[None]:
    """The hole is open inside. Raises Unopened, or Unclosed at the end."""
    with tempfile.TemporaryFile() as errors:
        # A session of its own: Ctrl-C is ours to handle, and the hole must still be closed.
        process = subprocess.Popen(
            on_node(hole.node, ["bash", "-c", _READ]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            bufsize=0,
        )
        try:
            if process.stdin is None or process.stdout is None:  # pragma: no cover - PIPE was asked for
                raise AssertionError
            process.stdin.write(script(hole, words).encode() + b"\0")
            process.stdin.flush()
            said = _line(process.stdout)
            if said != "open":
                process.stdin.close()
                closed = "closed" in (said, _line(process.stdout))
                raise (Unopened if closed else Unclosed)(
                    "the hole was not opened", where=f"{hole.node} {hole.id}", output=_last(errors)
                )
            try:
                yield
            finally:
                process.stdin.close()
                if _line(process.stdout) != "closed":
                    raise Unclosed(
                        "the hole was not closed",
                        where=f"{hole.node} {hole.id}",
                        output=_last(errors),
                        hint="the next run tries it again; wallcloud apply mends what Wallcloud made",
                    )
        finally:
            _end(process)


def heal(node: str, on_node: OnNode) -> tuple[str, ...]:
    """Closes what an earlier run left open on a node, and gives the ids. Raises Unclosed."""
    done = subprocess.run(
        on_node(node, ["bash", "-c", _HEAL, LEFT]), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise Unclosed(
            "a hole that an earlier run left open cannot be closed, or the node does not answer",
            where=node,
            output=tuple(done.stderr.splitlines()[-5:]),
            hint=f"on the node {LEFT} has how it is closed; wallcloud apply mends what Wallcloud made, then remove it",
        )
    return tuple(Path(line).parent.name for line in done.stdout.splitlines())


def _line(pipe: IO[bytes]) -> str:
    """The next line, in time; empty where there is none."""
    until = time.monotonic() + SECONDS
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, until - time.monotonic())):
                return ""
            piece = pipe.read(1)
            if not piece:
                return ""
            line += piece
    return line.decode(errors="replace").strip()


def _last(errors: IO[bytes]) -> tuple[str, ...]:
    errors.seek(0)
    return tuple(deque(errors.read().decode(errors="replace").splitlines(), 8))


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
