"""What long work tells its caller while it runs: a face-less protocol that `cli` renders."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Receives named steps. Calls may come from several threads."""

    def start(self, step: str, total: int | None = None, unit: str = "") -> None:
        """A step begins; `total` in `unit` (`B` for bytes) where it is known."""

    def advance(self, step: str, done: int, note: str = "") -> None:
        """`done` of the step's total is reached; `note` says what is in hand."""

    def finish(self, step: str, note: str = "") -> None:
        """A step ended well."""

    def fail(self, step: str, why: str) -> None:
        """A step ended badly; `why` is one line."""


class Silent:
    """Says nothing."""

    def start(self, step: str, total: int | None = None, unit: str = "") -> None: ...
    def advance(self, step: str, done: int, note: str = "") -> None: ...
    def finish(self, step: str, note: str = "") -> None: ...
    def fail(self, step: str, why: str) -> None: ...


@contextmanager
def step(progress: Progress, name: str, total: int | None = None, unit: str = "") -> Iterator[None]:
    """Reports `name` as started, then as finished or failed."""
    progress.start(name, total, unit)
    try:
        yield
    except BaseException as error:
        progress.fail(name, str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise
    progress.finish(name)
