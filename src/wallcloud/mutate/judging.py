"""Whether a hole was caught: by the probes that its file names, and by no other. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.mutate.hole import Hole

SHOWN = 8
"""So many ids stand in a sentence; the report has all."""


@frozen
class Verdict:
    """What became of one hole. `why` is empty where it was caught."""

    hole: Hole
    why: str
    failed: tuple[str, ...]
    seconds: float = 0.0

    @property
    def caught(self) -> bool:
        """Whether exactly the named probes failed, and none when it was closed again."""
        return not self.why

    def to_json(self) -> dict[str, Any]:
        """`{id, why, expected: [pattern…], failed: [id…]}`."""
        return {"id": self.hole.id, "why": self.why, "expected": list(self.hole.fails), "failed": list(self.failed)}


def judge(hole: Hole, seen: Mapping[str, bool]) -> Verdict:
    """`seen`: probe's id → whether its expectation held while the hole was open."""
    failed = tuple(name for name, holds in seen.items() if not holds)
    return Verdict(hole, _why(hole, seen, failed), failed)


def _why(hole: Hole, seen: Mapping[str, bool], failed: tuple[str, ...]) -> str:
    absent = [pattern for pattern in hole.fails if not _of(pattern, seen)]
    if absent:
        return f"no probe has such an id: {_some(absent)}"
    if not failed:
        return "nothing failed"
    if len(failed) == len(seen) > len(hole.fails):
        return "everything failed: that is a dead cloud, not a hole that was found"
    quiet = [pattern for pattern in hole.fails if not _of(pattern, failed)]
    if quiet:
        return f"did not fail: {_some(quiet)}"
    expected = (*hole.fails, *hole.besides)
    others = [name for name in failed if not any(fnmatchcase(name, pattern) for pattern in expected)]
    if others:
        return f"failed also: {_some(others)}"
    return ""


def _of(pattern: str, names: Mapping[str, bool] | tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


@frozen
class Score:
    """The sum of a run. `unopened` were left out since the cloud was not clean any more."""

    verdicts: tuple[Verdict, ...]
    unopened: tuple[str, ...] = ()

    @property
    def all_caught(self) -> bool:
        """Whether each was opened and caught."""
        return not self.unopened and all(verdict.caught for verdict in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """`{mutations: {injected, caught, missed: [{id, why, expected, failed}], unopened, seconds}}`, those by id."""
        return {
            "mutations": {
                "injected": len(self.verdicts),
                "caught": sum(verdict.caught for verdict in self.verdicts),
                "missed": [verdict.to_json() for verdict in self.verdicts if not verdict.caught],
                "unopened": list(self.unopened),
                "seconds": {verdict.hole.id: round(verdict.seconds, 1) for verdict in self.verdicts},
            }
        }
