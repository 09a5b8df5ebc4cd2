"""How this part writes an expectation down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from wallcloud.verify.expectation import Probe, Seen

NONE = "none undeclared"
GONE = "not there"
NOTHING = "nothing"


def seen(
    id_: str,
    node: str,
    expected: str,
    outcome: str,
    why: str,
    repeat: str = "",
    *,
    detail: str = "",
    wall: bool = False,
) -> Seen:
    """One expectation, `accounts/ID`, with its outcome; `wall` where it says what must not be."""
    return Seen(
        Probe(f"accounts/{id_}", node, expected, why, {}, negative=wall, repeat=repeat, source=node), outcome, detail
    )


def strays(base: str, node: str, names: Iterable[str], why: str, repeat: str, outcome: str = "there") -> Iterator[Seen]:
    """A failed expectation for each that no component declares; where there is none, one that holds."""
    every = sorted(names)
    for name in every:
        yield seen(f"{base}/{name}", node, GONE, outcome, why, repeat, wall=True)
    if not every:
        yield seen(f"{base}/undeclared", node, NONE, NONE, why, repeat, wall=True)


def listed(names: Iterable[str], show: Callable[[str], str] = str) -> str:
    """In the alphabet's order, or `nothing`."""
    return ", ".join(sorted(map(show, names))) or NOTHING
