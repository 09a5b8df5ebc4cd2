"""Shows named steps of long work: a live board on a terminal, plain lines otherwise. A face for `progress.Progress`."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text


@dataclass
class _Step:
    total: int | None
    unit: str
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    note: str = ""


class Steps:
    """Receives steps, from several threads. To be used as a context: the board is gone at its end, the lines stay."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._running: dict[str, _Step] = {}
        self._lock = threading.Lock()
        self._live = Live(console=console, get_renderable=self._board, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.__exit__(kind, error, trace)

    def start(self, step: str, total: int | None = None, unit: str = "") -> None:
        """A step begins."""
        with self._lock:
            self._running[step] = _Step(total, unit)
        if not self._console.is_terminal:
            self._say(f"{step} …")

    def advance(self, step: str, done: int, note: str = "") -> None:
        """A step is further; on a terminal only."""
        with self._lock:
            if step in self._running:
                self._running[step].done, self._running[step].note = done, note

    def finish(self, step: str, note: str = "") -> None:
        """A step ended well."""
        self._say(f"{step}: done{self._took(step)}{f', {note}' if note else ''}")

    def fail(self, step: str, why: str) -> None:
        """A step ended badly."""
        self._say(f"{step}: failed{self._took(step)}: {why}", "bold red")

    def _took(self, step: str) -> str:
        with self._lock:
            known = self._running.pop(step, None)
        return f" ({time.monotonic() - known.started:.1f} s)" if known else ""

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)

    def _board(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for _ in range(4):
            table.add_column(no_wrap=True, overflow="ellipsis")
        with self._lock:
            for name, step in self._running.items():
                seconds = f"{time.monotonic() - step.started:.0f} s"
                table.add_row(name, seconds, _amount(step), step.note)
        return table


def _amount(step: _Step) -> str:
    """How far a step is: a percentage where the total is known, else the number where there is one."""
    if step.total:
        return f"{100 * step.done // step.total} %"
    if not step.done:
        return ""
    return f"{step.done / 2**20:.0f} MiB" if step.unit == "B" else f"{step.done} {step.unit}".rstrip()
