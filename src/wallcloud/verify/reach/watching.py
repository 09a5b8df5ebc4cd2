"""The walls while things move: from outside everything is tried round after round, as long as something else happens.

What is held back once must never be answered again: not during an apply, a reboot, a rotation, nor with anything dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from wallcloud.design.compile import Design
from wallcloud.verify.expectation import Seen
from wallcloud.verify.hands import ARGV, Hands, at_once
from wallcloud.verify.places import Command
from wallcloud.verify.reach import telling
from wallcloud.verify.reach.matrix import Found, Place, Shot, from_outside
from wallcloud.verify.reach.places import place_at
from wallcloud.verify.reach.programs import PROGRAM, PROTOCOLS

HELD, OPEN = "held back throughout", "open"
ANSWERED, SILENT = "answered", "never answered"


def watched(design: Design, command: Command, outside: tuple[str, ...], act: Callable[[], object]) -> tuple[Seen, ...]:
    """Samples while `act` runs. What must pass is sampled too: that it is answered shows that probes go through.

    Raises WallcloudError where it cannot even begin, and what `act` raises.
    """
    with ExitStack() as open_:
        hands = {name: open_.enter_context(Hands(name, command(name, list(ARGV)), PROGRAM)) for name in outside}
        places = at_once(outside, lambda name: place_at(design, name, hands[name]))
        shots = {name: _sampled(design, place) for name, place in places.items()}
        # A run of its own for each: the router hears what the others are answered.
        for run, (name, each) in enumerate(shots.items(), 1):
            hands[name].call("watch", shots=[_order(shot) for shot in each], run=run)
        act()
        told = at_once(outside, lambda name: hands[name].call("watched"))
    return tuple(seen for name, each in shots.items() for seen in _judged(design, each, told[name]))


def _sampled(design: Design, place: Place) -> tuple[Shot, ...]:
    """What an answer can be heard of: a UDP port that takes everything in silence is for the part `reach`."""
    return tuple(shot for shot in from_outside(design, Found({}, (place,))) if shot.negative or shot.protocol != "udp")


def _order(shot: Shot) -> list[Any]:
    return ["as", 0, 0, shot.uid, shot.mark, shot.address, PROTOCOLS[shot.protocol], shot.port]


def _judged(design: Design, shots: tuple[Shot, ...], told: dict[str, Any]) -> Iterator[Seen]:
    for number, shot in enumerate(shots):
        probe = telling.probe(design, shot)
        renamed = replace(probe, id=probe.id.replace("reach/", "watch/", 1))
        answers = told["answers"].get(str(number), 0)
        if not shot.negative:
            met = ANSWERED if answers else SILENT
            yield Seen(replace(renamed, expected=ANSWERED), met, f"{answers} times in {told['rounds']} rounds")
            continue
        holes = told["holes"].get(str(number), [])
        times = ", ".join(f"{datetime.fromtimestamp(at):%H:%M:%S.%f} ({kind})" for at, kind in holes)
        met = OPEN if holes else HELD
        yield Seen(replace(renamed, expected=HELD), met, times or f"{told['rounds']} rounds")
