"""Hands at a place or on a node: a program that is started there once and answers many calls."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Self, TypeVar

from wallcloud.errors import WallcloudError

ARGV = (
    "/usr/bin/python3",
    "-I",
    "-c",
    "import json, sys; exec(json.loads(sys.stdin.readline()))",
)
"""What is started there; everything else comes by standard input."""

_BOOT = """
import types
def put(name, module):
    sys.modules[name] = module
    above, _, last = name.rpartition(".")
    if above:
        if above not in sys.modules:
            package = types.ModuleType(above)
            package.__path__ = []
            put(above, package)
        setattr(sys.modules[above], last, module)
for name, source in json.loads(sys.stdin.readline()):
    module = types.ModuleType(name)
    put(name, module)
    exec(compile(source, name, "exec"), module.__dict__)
sys.modules[name].main()
"""
CALL_SECONDS = 90.0
T = TypeVar("T")


class Trouble(WallcloudError):
    """Something did not answer, or not as it must: an expectation fails with this text."""


def at_once(names: Iterable[str], act: Callable[[str], T]) -> dict[str, T]:
    """What `act` gives for each name, all at the same time. Raises what one of them raised, when all have ended."""
    every = list(names)
    with ThreadPoolExecutor(max(1, len(every))) as pool:
        return dict(zip(every, pool.map(act, every), strict=True))


class Hands:
    """Calls from several threads go out at once and come back in any order."""

    def __init__(self, place: str, argv: Sequence[str], modules: Iterable[ModuleType]) -> None:
        """Starts the program; `argv` runs ARGV at the place, `modules` are those of the program in the order of their
        imports: the last one's `main` serves. Raises Trouble where it cannot be started."""
        self.place = place
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._next = 0
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the program
        try:
            # A session of its own: Ctrl-C is the deployer's to handle, and what it made there must still go.
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True
            )
        except OSError as error:
            raise Trouble(f"{argv[0]} cannot be started: {error.strerror}", where=place) from error
        sources = [(module.__name__, Path(str(module.__file__)).read_text(encoding="utf-8")) for module in modules]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        with suppress(Trouble):  # the first call says it
            self._send(json.dumps(_BOOT), json.dumps(sources))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, kind: str, *, within: float = CALL_SECONDS, **args: Any) -> Any:
        """The value that came back. Raises Trouble with what the other side said, or after `within` seconds."""
        answer: Future[Any] = Future()
        with self._lock:
            self._next += 1
            number = self._next
            self._waiting[number] = answer
        self._send(json.dumps({"id": number, "kind": kind, "args": args}))
        if not self._reader.is_alive():
            raise self._lost()
        try:
            return answer.result(within)
        except Late:
            raise Trouble(f"{kind}: no answer in {within:.0f} s", where=self.place) from None

    def close(self) -> None:
        """Ends the program; what it served ends with it."""
        with suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(3)
        self._errors.close()

    def _send(self, *lines: str) -> None:
        pipe = self._process.stdin
        if pipe is None:  # pragma: no cover - PIPE was asked for
            raise AssertionError
        try:
            with self._lock:
                pipe.write("".join(f"{line}\n" for line in lines).encode())
                pipe.flush()
        except (OSError, ValueError) as error:
            raise self._lost() from error

    def _read(self) -> None:
        pipe = self._process.stdout
        if pipe is None:  # pragma: no cover - PIPE was asked for
            raise AssertionError
        with suppress(ValueError):
            for line in pipe:
                told = json.loads(line)
                with self._lock:
                    answer = self._waiting.pop(told["id"], None)
                if answer is None:
                    continue
                if "error" in told:
                    answer.set_exception(Trouble(told["error"], where=self.place))
                else:
                    answer.set_result(told["value"])
        with self._lock:
            left = list(self._waiting.values())
            self._waiting.clear()
        for answer in left:
            answer.set_exception(self._lost())

    def _lost(self) -> Trouble:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._errors.seek(0)
        last = deque(self._errors.read().decode(errors="replace").splitlines(), 5)
        return Trouble(
            "the program that verify runs there ended", where=self.place, output=tuple(last), hint="is the place up?"
        )
