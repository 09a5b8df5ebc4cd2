"""Nodes' journals in one stream: journalctl on each node by SSH, merged by time."""

from __future__ import annotations

import heapq
import json
import re
import shlex
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import IO, Any, Self

from wallcloud.deploy.session import Target, no_ssh
from wallcloud.frozen import frozen

REQUEST = re.compile(r"(req-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What OpenStack calls a request (oslo.context, `generate_request_id`), with or without its first word."""
HELD_SECONDS = 0.5
"""How long a line is held back while following: another node's, older one may still be on its way."""
_FIELDS = ("_SYSTEMD_UNIT", "UNIT", "SYSLOG_IDENTIFIER", "PRIORITY", "MESSAGE")
_UNIT = re.compile(r"wallcloud-(?P<component>.+)\.(service|socket|mount|timer)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


@dataclass(frozen=True, order=True)
class Entry:
    """One line of a journal. `at` in microseconds since 1970; `priority` as in syslog(3), 3 and less are errors."""

    at: int
    node: str
    source: str
    """The component; a unit or a program that is none of Wallcloud's by its own name."""
    priority: int
    message: str

    @classmethod
    def of(cls, node: str, line: str) -> Self:
        """A line of `journalctl --output=json` (systemd.journal-fields(7)). Raises ValueError."""
        found: Mapping[str, Any] = json.loads(line)
        # What systemd itself says of a unit names it in UNIT.
        unit = found.get("UNIT") or found.get("_SYSTEMD_UNIT") or ""
        named = _UNIT.fullmatch(unit)
        source = named["component"] if named else found.get("SYSLOG_IDENTIFIER") or unit.removesuffix(".service")
        return cls(
            at=int(found["__REALTIME_TIMESTAMP"]),
            node=node,
            source=_text(source),
            priority=int(found.get("PRIORITY", 6)),
            message=_text(found.get("MESSAGE")),
        )


@frozen(kw_only=True)
class Question:
    """Which lines. `units`: names or patterns of systemd's; `since`, `until`: seconds since 1970; `lines`: so many last
    ones; `grep`: a pattern (pcre2pattern(3)) that they match."""

    units: tuple[str, ...]
    since: float | None = None
    until: float | None = None
    lines: int | None = None
    grep: str = ""
    follow: bool = False

    def command(self) -> str:
        """What a node's shell is told. journalctl's own options (journalctl(1)): the node sifts, not the wire."""
        argv = ["journalctl", "--output=json", "--all", "--no-pager", "--quiet"]
        argv += [f"--output-fields={','.join(_FIELDS)}"]
        argv += [f"--unit={unit}" for unit in self.units]
        argv += [] if self.since is None else [f"--since=@{self.since:.6f}"]
        argv += [] if self.until is None else [f"--until=@{self.until:.6f}"]
        argv += [] if self.lines is None else [f"--lines={self.lines}"]
        argv += [f"--grep={self.grep}"] if self.grep else []
        argv += ["--follow"] if self.follow else []
        return shlex.join(argv)


class Journals:
    """journalctl on several nodes. A node that cannot be asked costs itself only: see `lost`."""

    def __init__(self, targets: Iterable[Target], asked: Mapping[str, Question]) -> None:
        self.lost: dict[str, str] = {}
        """Node → why its journal is not, or not wholly, among the lines. Known when `lines` has ended."""
        self._follow = any(question.follow for question in asked.values())
        self._ends = ExitStack()
        self._readers: dict[str, subprocess.Popen[str]] = {}
        self._errors: dict[str, IO[str]] = {}
        self._listeners: list[threading.Thread] = []
        for target in targets:
            # A file: nobody reads it while lines come.
            errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - close() does
            self._ends.callback(errors.close)
            try:
                reader = subprocess.Popen(
                    target.argv(target.as_root(asked[target.node].command())),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    errors="replace",
                    start_new_session=True,  # Ctrl-C is ours to handle
                )
            except OSError as error:
                self.close()
                raise no_ssh(target, error) from error
            self._readers[target.node], self._errors[target.node] = reader, errors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends what still runs."""
        for reader in self._readers.values():
            reader.terminate()
            reader.wait()
        for listener in self._listeners:
            listener.join()
        self._ends.close()

    def lines(self) -> Iterator[Entry]:
        """All lines in the order of their time. Following, each as soon as no older one is to be expected."""
        return self._followed() if self._follow else heapq.merge(*(self._read(node) for node in self._readers))

    def last(self, count: int) -> Iterator[Entry]:
        """The last `count` of them all."""
        yield from deque(self.lines(), maxlen=count)

    def _read(self, node: str) -> Iterator[Entry]:
        reader = self._readers[node]
        for line in reader.stdout or ():
            try:
                yield Entry.of(node, line)
            except (ValueError, KeyError, TypeError):
                self.lost[node] = f"what its journalctl says is not understood: {_text(line.strip())[:200]}"
        status = reader.wait()
        said = self._said(node)
        # journalctl ends with 1 where it found nothing, and says nothing of it.
        if status and (said or status != 1):
            self.lost.setdefault(node, said or f"ssh ended with status {status}")

    def _said(self, node: str) -> str:
        errors = self._errors[node]
        errors.seek(0)
        lines = [line.strip() for line in errors if line.strip()]
        return _text(lines[-1]) if lines else ""

    def _followed(self) -> Iterator[Entry]:
        come: SimpleQueue[Entry | None] = SimpleQueue()

        def listen(node: str) -> None:
            for entry in self._read(node):
                come.put(entry)
            come.put(None)

        for node in self._readers:
            self._listeners.append(threading.Thread(target=listen, args=(node,), daemon=True))
            self._listeners[-1].start()
        held: list[tuple[Entry, float]] = []
        running = len(self._readers)
        while running or held:
            try:
                entry = come.get(timeout=max(0.0, held[0][1] - monotonic()) if held else None) if running else None
                if entry is None:
                    running -= running > 0
                else:
                    heapq.heappush(held, (entry, monotonic() + HELD_SECONDS))
            except Empty:
                pass
            while held and (not running or held[0][1] <= monotonic()):
                yield heapq.heappop(held)[0]


def _text(value: object) -> str:
    """A field as text that is safe to print: bytes come as a list of numbers, and who wrote it may have been a
    tenant."""
    raw = bytes(value).decode(errors="replace") if isinstance(value, list) else str(value or "")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", raw.rstrip("\n").replace("\n", " ⏎ "))
