"""The report for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wallcloud.verify.expectation import Part


def as_json(parts: Sequence[Part], mutations: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`{parts: {…: {expectations, negative, met, failed, seconds}}, …totals}`, and `mutations` where given.

    `mutations` is `{injected: int, caught: int, missed: [name]}`.
    """
    each = {part.name: part.to_json() for part in parts}
    whole: dict[str, Any] = {
        "parts": each,
        "expectations": sum(part["expectations"] for part in each.values()),
        "negative": sum(part["negative"] for part in each.values()),
        "met": sum(part["met"] for part in each.values()),
        "failed": sum(len(part["failed"]) for part in each.values()),
        "seconds": round(sum(part.seconds for part in parts), 2),
    }
    if mutations is not None:
        whole["mutations"] = dict(mutations)
    return whole
