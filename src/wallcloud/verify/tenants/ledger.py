"""Expectations with the act that tries them, and the record of what was seen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from wallcloud.frozen import frozen
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.hands import Trouble
from wallcloud.verify.tenants.client import interrupted

AGAIN = "wallcloud verify --part tenants --keep"
"""Leaves everything standing, so that a guest can be asked by hand, with bash at the office:
`exec 3<>/dev/tcp/FLOATING-IP/7; echo about >&3; cat <&3`."""
Outcome = str | tuple[str, str]
"""What was met, alone or with a detail."""


@frozen
class Check:
    """One expectation and the act that tries it, once."""

    id: str
    place: str
    expected: str
    why: str
    act: Callable[[], Outcome]
    negative: bool = False
    repeat: str = ""
    source: str = ""
    target: str = ""
    """Row and column of the heat map, as a Probe's."""

    @property
    def probe(self) -> Probe:
        """As the report knows it."""
        repeat = self.repeat or AGAIN
        return Probe(self.id, self.place, self.expected, self.why, {}, self.negative, repeat, self.source, self.target)


class Ledger:
    """What was seen, in the order in which it was tried."""

    def __init__(self, told: Callable[[int], None] = lambda _: None) -> None:
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self._told = told

    @property
    def seen(self) -> tuple[Seen, ...]:
        return tuple(self._seen)

    def try_one(self, check: Check) -> Seen:
        """Tries and records. What does not answer is an outcome, never an end of the run."""
        try:
            outcome = check.act()
        except Trouble as error:
            where = f"{error.where}: " if error.where else ""
            outcome = ("no answer", f"{where}{error.what}{''.join(f' | {line}' for line in error.output)}")
        except Exception as error:  # an answer of another shape than it should have: it fails this one and no other
            outcome = ("no sense", f"{type(error).__name__}: {error}")
        met, detail = outcome if isinstance(outcome, tuple) else (outcome, "")
        seen = Seen(check.probe, met, detail)
        with self._lock:
            self._seen.append(seen)
            self._told(len(self._seen))
        return seen

    def try_all(self, checks: Iterable[Check], at_once: int = 8) -> None:
        """Tries many, several at once, and keeps their order in the record."""
        every = list(checks)
        with self._lock:
            first = len(self._seen)
        with ThreadPoolExecutor(at_once) as pool:
            try:
                found = list(pool.map(self.try_one, every))
            except BaseException:
                interrupted.set()  # the pool waits for its threads
                raise
        with self._lock:
            self._seen[first:] = found
