"""One hole after the other: open, prove, close, prove again."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from wallcloud.errors import WallcloudError
from wallcloud.mutate.hole import Hole
from wallcloud.mutate.judging import Score, Verdict, judge
from wallcloud.mutate.session import OnNode, Unclosed, Unopened, heal, opened

Prove = Callable[[tuple[str, ...]], Mapping[str, bool]]
"""(names of parts) → the id of each probe, and whether its expectation holds."""
Told = Callable[[Verdict], None]


def mutate(
    chosen: Sequence[Hole],
    words: Mapping[str, str],
    nodes: Iterable[str],
    on_node: OnNode,
    prove: Prove,
    told: Told,
    also: tuple[str, ...] = (),
) -> Score:
    """Opens each hole (`at_site`), proves with the parts that it names and those of `also`, closes it and proves again;
    `told` hears every verdict. First closes what a killed run left on `nodes`, and sees that every part is clean.

    Raises WallcloudError where a node does not answer or the cloud is not clean to begin with. A hole that was not
    closed, or after which the cloud is not clean, is a miss and ends the run: whatever came next would prove nothing.
    """
    for node in nodes:
        heal(node, on_node)

    def proved(own: Iterable[str]) -> Mapping[str, bool]:
        return prove(tuple(dict.fromkeys((*own, *also))))

    dirty = _failed(proved(part for hole in chosen for part in hole.parts)) if chosen or also else ()
    if dirty:
        raise WallcloudError(
            f"{len(dirty)} expectations do not hold before any hole is opened",
            output=dirty[:8],
            hint="wallcloud verify says more; wallcloud apply mends",
        )
    verdicts: list[Verdict] = []
    for number, hole in enumerate(chosen, 1):
        began = time.monotonic()
        verdict, clean = _one(hole, words, on_node, proved)
        verdict = Verdict(verdict.hole, verdict.why, verdict.failed, time.monotonic() - began)
        verdicts.append(verdict)
        told(verdict)
        if not clean:
            return Score(tuple(verdicts), tuple(each.id for each in chosen[number:]))
    return Score(tuple(verdicts))


def _one(hole: Hole, words: Mapping[str, str], on_node: OnNode, prove: Prove) -> tuple[Verdict, bool]:
    """The verdict, and whether the cloud is clean again."""
    verdict = Verdict(hole, "", ())
    try:
        with opened(hole, words, on_node):
            verdict = judge(hole, prove(hole.parts))
    except (Unopened, Unclosed) as error:
        said = " | ".join((error.what, *error.output))
        verdict = Verdict(hole, f"{verdict.why}; {said}" if verdict.why else said, verdict.failed)
        if isinstance(error, Unclosed):
            return verdict, False
    left = _failed(prove(hole.parts))
    if left:
        why = f"closed, but these fail still: {', '.join(left[:8])}"
        verdict = Verdict(hole, f"{verdict.why}; {why}" if verdict.why else why, verdict.failed)
    return verdict, not left


def _failed(seen: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(name for name, holds in seen.items() if not holds)


def sample(holes: Sequence[Hole], number: int, seed: int) -> tuple[Hole, ...]:
    """So many of the holes, drawn by the seed: one of each first part in turn, so that few are of many sorts."""
    chance = random.Random(seed)  # noqa: S311 - which holes, not a secret
    by_part: dict[str, list[Hole]] = defaultdict(list)
    for hole in chance.sample(list(holes), len(holes)):
        by_part[hole.parts[0]].append(hole)
    turns: list[Hole] = []
    while any(by_part.values()):
        turns += [group.pop() for group in by_part.values() if group]
    return tuple(turns[:number])
