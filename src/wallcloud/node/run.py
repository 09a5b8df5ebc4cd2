"""Running other programs: output captured, time bounded, failures told in the program's own words."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from wallcloud.frozen import frozen
from wallcloud.node.failure import ResourceFailed

__all__ = ["Output", "ResourceFailed", "run", "stream", "tail", "wait_for"]

TAIL = 15
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
}


@frozen
class Output:
    """What a program left: exit status (negative = signal, 127 = no such program) and its texts."""

    status: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.status == 0


def run(
    argv: tuple[str, ...] | list[str],
    input: str | None = None,
    timeout: float = 60,
    *,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
    hint: str = "",
    secret: bool = False,
) -> Output:
    """Runs `argv` with `input` on stdin, for at most `timeout` seconds (then its whole process group is killed).

    `environment` is added to a small fixed one. With `check`, a status other than 0 raises ResourceFailed; a missing
    program and a timeout always do, except that a missing program is status 127 without `check`. `secret`: the
    output may echo the input (SQL), so it is kept out of the error.
    """
    process = _start(argv, subprocess.PIPE if input is not None else subprocess.DEVNULL, environment, check)
    if process is None:
        return Output(127, "", f"{argv[0]}: not found")
    try:
        out, err = process.communicate(input.encode() if input is not None else None, timeout)
    except subprocess.TimeoutExpired:
        out, err = _kill(process)
        raise ResourceFailed(
            f"{argv[0]} did not end within {timeout:g} s",
            tried=_shown(argv),
            output=() if secret else tail(_text(err) or _text(out)),
            hint=hint,
        ) from None
    result = Output(process.returncode, _text(out), _text(err))
    if check and result.status != 0:
        raise ResourceFailed(
            _ended(argv[0], result.status),
            tried=_shown(argv),
            output=() if secret else tail(result.stdout + result.stderr),
            hint=hint,
        )
    return result


def stream(
    log: Path,
    argv: tuple[str, ...] | list[str],
    on_line: Callable[[str], None],
    timeout: float = 3600,
    *,
    environment: Mapping[str, str] | None = None,
    hint: str = "",
) -> None:
    """Runs `argv`, its output (both streams) going to the file `log`, and hands each line to `on_line` as it comes.

    The program outlives a kill of this process. Raises as `run`.
    """
    end, last, half = time.monotonic() + timeout, list[str](), ""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    log.touch(0o600)
    with log.open("wb") as out, log.open("rb") as seen:
        process = _start(argv, subprocess.DEVNULL, environment, True, out=out.fileno())
        assert process is not None  # noqa: S101 - for the type checker
        status: int | None = None
        while status is None:
            with suppress(subprocess.TimeoutExpired):
                status = process.wait(min(0.2, max(0.0, end - time.monotonic())))
            *whole, half = (half + _text(seen.read())).split("\n")
            for line in whole:
                last = [*last[1 - TAIL :], line]
                on_line(line)
            if status is None and time.monotonic() >= end:
                _kill(process)
                what = f"{argv[0]} did not end within {timeout:g} s"
                raise ResourceFailed(what, tried=_shown(argv), output=tuple(last), hint=hint)
    if status != 0:
        last = [*last, half] if half else last
        raise ResourceFailed(_ended(argv[0], status), tried=_shown(argv), output=tuple(last), hint=hint)


def wait_for(probe: Callable[[], bool], seconds: float, longest: float = 1.0) -> bool:
    """Asks `probe` until it says True; False after `seconds`. For things outside that send no event.

    The pause grows from 50 ms to `longest`.
    """
    end, pause = time.monotonic() + seconds, 0.05
    while not probe():
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, longest)
    return True


def tail(text: str, count: int = TAIL) -> tuple[str, ...]:
    """The last `count` lines that are not empty."""
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-count:]


def _start(
    argv: tuple[str, ...] | list[str],
    stdin: int,
    environment: Mapping[str, str] | None,
    check: bool,
    out: int | None = None,
) -> "subprocess.Popen[bytes] | None":
    try:
        return subprocess.Popen(
            list(argv),
            stdin=stdin,
            stdout=subprocess.PIPE if out is None else out,
            stderr=subprocess.PIPE if out is None else subprocess.STDOUT,
            env={**ENVIRONMENT, **(environment or {})},
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError:
        if check:
            raise ResourceFailed(f"no program {argv[0]}", tried=_shown(argv)) from None
        return None


def _kill(process: "subprocess.Popen[bytes]") -> tuple[bytes, bytes]:
    _signal(process, signal.SIGKILL)
    try:
        return process.communicate(timeout=5)
    except subprocess.TimeoutExpired:  # a grandchild in a session of its own holds the pipes
        return b"", b""


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _ended(program: str, status: int) -> str:
    return f"{program} was killed by signal {-status}" if status < 0 else f"{program} ended with status {status}"


def _shown(argv: tuple[str, ...] | list[str]) -> str:
    import shlex  # noqa: PLC0415 - only for errors

    return shlex.join(argv)


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
