"""Hears the argument list of every process of this computer, the lab's machines included, while it listens.

Machines are containers: their processes are in the host's /proc too. A process that lives for less than two looks is
missed, so a test first proves that short-lived ones are heard.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PAUSE_SECONDS = 0.005
LOOKS = 8
"""How often a new process is looked at: between fork and exec it still has its parent's words."""


class Listener:
    """A context; `heard` grows while it is open."""

    def __init__(self) -> None:
        self.heard: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _listen(self) -> None:
        looks: dict[str, int] = {}
        while not self._over.wait(PAUSE_SECONDS):
            there = {name for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - the fastest way
            for gone in looks.keys() - there:
                del looks[gone]
            for name in there:
                if looks.get(name, 0) < LOOKS:
                    looks[name] = looks.get(name, 0) + 1
                    with suppress(OSError):
                        self.heard.add(Path("/proc", name, "cmdline").read_bytes())
