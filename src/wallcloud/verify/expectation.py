"""Expectations: what the design says must happen, or must not, and what was seen."""

from __future__ import annotations

from typing import Any

from wallcloud.frozen import frozen


@frozen
class Probe:
    """One thing to try from one place. `what` tells the prober; secrets may be in it, so it is never shown."""

    id: str
    place: str
    expected: str
    """The outcome that the design wants, in the prober's words (`verify/prober.py`)."""
    why: str
    what: dict[str, Any]
    negative: bool = False
    repeat: str = ""
    """A command that tries the same by hand, without secrets."""
    source: str = ""
    """The row of the heat map that it stands in: who sends (`control as nova-api`, `office`); `place` where empty."""
    target: str = ""
    """The column of the heat map: at whom it aims (`control on management`); none where empty."""


@frozen
class Seen:
    """A probe and what it met."""

    probe: Probe
    outcome: str
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the expectation holds."""
        return self.outcome == self.probe.expected

    def to_json(self) -> dict[str, str]:
        """As it stands in a report."""
        return {
            "id": self.probe.id,
            "expected": self.probe.expected,
            "seen": f"{self.outcome}: {self.detail}" if self.detail else self.outcome,
            "repeat": self.probe.repeat,
        }


@frozen
class Part:
    """A part of the proof with everything that was seen, and how long it took (seconds)."""

    name: str
    seen: tuple[Seen, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Seen, ...]:
        """Expectations that do not hold."""
        return tuple(seen for seen in self.seen if not seen.holds)

    def to_json(self) -> dict[str, Any]:
        """`{expectations, negative, met, failed: [...], seconds}`."""
        return {
            "expectations": len(self.seen),
            "negative": sum(seen.probe.negative for seen in self.seen),
            "met": len(self.seen) - len(self.failed),
            "failed": [seen.to_json() for seen in self.failed],
            "seconds": round(self.seconds, 2),
        }
