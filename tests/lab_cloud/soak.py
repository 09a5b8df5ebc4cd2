"""Tests that take hours altogether: `make soak` runs them, with WALLCLOUD_SOAK=1; `make test` a seeded handful."""

import os
from collections.abc import Container, Iterable
from typing import Any, Protocol

import pytest

VARIABLE = "WALLCLOUD_SOAK"
WANTED = bool(os.environ.get(VARIABLE))


class Named(Protocol):
    """A case of a test."""

    @property
    def name(self) -> str: ...


def seldom(cases: Iterable[Named], handful: Container[Any]) -> list[Any]:
    """Parameters by name; those outside the handful are marked."""
    return [pytest.param(case, id=case.name, marks=() if case in handful else (pytest.mark.soak,)) for case in cases]


def deselected(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests that do not run now."""
    return [] if WANTED else [item for item in items if item.get_closest_marker("soak")]
