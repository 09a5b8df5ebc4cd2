"""Streams: what the deployer keeps and no disk of the node shall see, handed in pieces to who wants it.

A reader puts the pieces in, who wants them takes them out, under the session's condition. Few pieces wait: when who
wants them is slow, the reader and the deployer wait for him.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol, TypeVar

PIECES = 4
_SLOW_SECONDS = 5.0
T = TypeVar("T")


class Wait(Protocol):
    """Session's: `ready()` as soon as it is not None. Raises Cancelled."""

    def __call__(self, ready: Callable[[], T | None]) -> T | None: ...


class Streams:
    """All streams of a session."""

    def __init__(self, news: threading.Condition) -> None:
        self._news = news
        self._streams: dict[str, _Stream] = {}

    def open(self, name: str) -> None:
        """From now on its pieces may come."""
        self._streams[name] = _Stream()

    def pieces(self, name: str, wait: Wait) -> Iterator[bytes]:
        """Gives the pieces; what comes when nobody wants them any more is dropped."""
        stream = self._streams[name]
        try:
            while (piece := wait(stream.first)) is not None:
                with self._news:
                    stream.waiting.popleft()
                    over = stream.last and not stream.waiting
                    self._news.notify_all()
                yield piece
                if over:
                    return
        finally:
            with self._news:
                stream.closed = True
                self._news.notify_all()

    def receive(self, source: BinaryIO, name: str, size: int, *, last: bool, alive: Callable[[], None]) -> None:
        """Reads a piece of `size` bytes and waits until there is room for it; calls `alive` now and then meanwhile.

        Raises EOFError.
        """
        piece = source.read(size)
        if len(piece) < size:
            raise EOFError
        stream = self._streams[name]
        with self._news:
            while not self._news.wait_for(lambda: stream.closed or len(stream.waiting) < PIECES, _SLOW_SECONDS):
                alive()
            alive()
            if not stream.closed:
                stream.waiting.append(piece)
            stream.last = last
            self._news.notify_all()


class _Stream:
    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.last = False
        self.closed = False

    def first(self) -> bytes | None:
        return self.waiting[0] if self.waiting else None
