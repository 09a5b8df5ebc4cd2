"""Tests that take long altogether: `make soak` runs them, with WALLCLOUD_SOAK=1; `make test` a handful of each."""

import os
from collections.abc import Callable, Container, Iterable
from typing import Any, Protocol, TypeVar

import hypothesis
import pytest

VARIABLE = "WALLCLOUD_SOAK"
WANTED = bool(os.environ.get(VARIABLE))
SEED_VARIABLE = "WALLCLOUD_EXAMPLES_SEED"

Test = TypeVar("Test", bound=Callable[..., None])


class Named(Protocol):
    """A case of a test."""

    @property
    def name(self) -> str: ...


def seldom(cases: Iterable[Named], handful: Container[Any]) -> list[Any]:
    """Parameters by name; those outside the handful are marked."""
    return [pytest.param(case, id=case.name, marks=() if case in handful else (pytest.mark.soak,)) for case in cases]


def seldom_values(cases: Iterable[str], handful: Container[str]) -> list[Any]:
    """As `seldom`, of cases that are their own names."""
    return [pytest.param(case, id=case, marks=() if case in handful else (pytest.mark.soak,)) for case in cases]


def examples(few: int, many: int) -> Callable[[Test], Test]:
    """How many examples hypothesis makes: `few`, the same in every run; `many` in `make soak`, which then takes this
    test too. WALLCLOUD_EXAMPLES_SEED, a number, makes others."""
    seed = os.environ.get(SEED_VARIABLE)
    settings = hypothesis.settings(
        max_examples=many if WANTED else few, deadline=None, derandomize=seed is None, database=None
    )

    def decorate(test: Test) -> Test:
        test = settings(test) if seed is None else hypothesis.seed(int(seed))(settings(test))
        return pytest.mark.soak(test) if WANTED else test

    return decorate


def deselected(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests that do not run now."""
    return [] if WANTED else [item for item in items if item.get_closest_marker("soak")]
