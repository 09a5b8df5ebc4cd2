"""The walls while things move: everything is tried round after round, as long as something else happens.

What is held back once must never come through again: not during an apply, a reboot, a rotation, nor with anything dead.
From outside an answer is what has come through; on a node, as one of its accounts, a packet that leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from wallcloud.design.compile import Design
from wallcloud.verify.expectation import Seen
from wallcloud.verify.hands import Hands, at_once
from wallcloud.verify.reach import telling
from wallcloud.verify.reach.far.packets import HELD_BACK, LET_THROUGH
from wallcloud.verify.reach.matrix import Found, Place, Shot, as_accounts, from_outside
from wallcloud.verify.reach.places import place_at
from wallcloud.verify.reach.programs import PROGRAM, PROTOCOLS

HELD, OPEN = "held back throughout", "open"
ANSWERED, SILENT = "answered", "never answered"
LEFT, KEPT = "left", "never left"
Argvs = Mapping[str, Sequence[str]]
"""Name of a place → what starts hands there (hands.ARGV)."""


def watched(design: Design, outside: Argvs, inside: Argvs, act: Callable[[], object]) -> tuple[Seen, ...]:
    """Samples at places outside and on nodes, which must stay up, while `act` runs. What must pass is sampled too: that
    it comes through shows that probes do.

    Raises WallcloudError where it cannot even begin or a place is lost, and what `act` raises.
    """
    argvs = {**outside, **inside}
    with ExitStack() as open_:
        hands = {name: open_.enter_context(Hands(name, argv, PROGRAM)) for name, argv in argvs.items()}
        places = at_once(outside, lambda name: place_at(design, name, hands[name]))
        shots = {name: _sampled(design, place) for name, place in places.items()}
        shots |= {node: as_accounts(design, node) for node in inside}
        # A run of its own for each: the router hears what the others are answered.
        runs = {name: run for run, name in enumerate(argvs, 1)}
        at_once(
            argvs,
            lambda name: hands[name].call(
                "watch", shots=[_order(shot) for shot in shots[name]], run=runs[name], leaving=name in inside
            ),
        )
        act()
        told = at_once(argvs, lambda name: hands[name].call("watched"))
    return tuple(
        seen for name, each in shots.items() for seen in _judged(design, each, told[name], leaving=name in inside)
    )


def _sampled(design: Design, place: Place) -> tuple[Shot, ...]:
    """What an answer can be heard of: a UDP port that takes everything in silence is for the part `reach`."""
    return tuple(shot for shot in from_outside(design, Found({}, (place,))) if shot.negative or shot.protocol != "udp")


def _order(shot: Shot) -> list[Any]:
    ports = HELD_BACK if shot.negative else LET_THROUGH
    return ["as", 0, ports.start, shot.uid, shot.mark, shot.address, PROTOCOLS[shot.protocol], shot.port]


def _judged(design: Design, shots: tuple[Shot, ...], told: dict[str, Any], *, leaving: bool) -> Iterator[Seen]:
    met, unmet = (LEFT, KEPT) if leaving else (ANSWERED, SILENT)
    for number, shot in enumerate(shots):
        probe = telling.probe(design, shot)
        renamed = replace(probe, id=probe.id.replace("reach/", "watch/", 1))
        times = told["through"].get(str(number), 0)
        if not shot.negative:
            yield Seen(
                replace(renamed, expected=met), met if times else unmet, f"{times} times in {told['rounds']} rounds"
            )
            continue
        holes = told["holes"].get(str(number), [])
        when = ", ".join(f"{datetime.fromtimestamp(at):%H:%M:%S.%f} ({kind})" for at, kind in holes)
        yield Seen(replace(renamed, expected=HELD), OPEN if holes else HELD, when or f"{told['rounds']} rounds")
