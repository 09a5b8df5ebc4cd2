"""The part as a whole: hear on every node, send from hostile machines, wait for the last frame, judge."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from ipaddress import IPv4Address
from types import ModuleType
from typing import Any

from wallcloud.design.compile import Design
from wallcloud.errors import WallcloudError
from wallcloud.progress import Progress, step
from wallcloud.verify import by_hand
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.far import loop
from wallcloud.verify.hands import ARGV, Hands
from wallcloud.verify.places import ROUTER
from wallcloud.verify.wires.crossing import Crossing, crossed, crossings
from wallcloud.verify.wires.far import wire
from wallcloud.verify.wires.shots import ANSWERED, SILENT, Ends, Made, Shot, card, marker, shots, to_all

PROGRAM: tuple[ModuleType, ...] = (loop, wire)
LAST_SECONDS = 10.0
"""Only what does not come takes so long."""
ROUNDS = 8
"""Of Open vSwitch's loop: a frame comes in, goes to the node, its answer goes out; and twice that for bursts."""
UNHEARD = "unheard"
TOKEN_BYTES = 12
Legs = Mapping[str, Mapping[str, Any]]
"""What a machine tells of its interfaces (`far/wire.py`, legs)."""


def run(cloud: Cloud, progress: Progress) -> tuple[Seen, ...]:
    """Tries every frame that is wanted. Raises WallcloudError where it cannot even begin."""
    with ExitStack() as open_:
        hands = {}
        for name in (*cloud.design.site.nodes, *(each for each in cloud.outside if each == ROUTER)):
            command = cloud.on_node if name in cloud.design.site.nodes else cloud.command
            hands[name] = open_.enter_context(Hands(name, command(name, list(ARGV)), PROGRAM))
        with ThreadPoolExecutor(len(hands)) as pool:
            legs = dict(zip(hands, pool.map(lambda each: each.call("legs"), hands.values()), strict=True))
            every = shots(cloud.design, cloud.outside, {name: _addresses(its) for name, its in legs.items()})
            wanted = tuple(shot for shot in every if cloud.wants(shot.id))
            strays = tuple(each for each in crossings(cloud.design, every) if cloud.wants(each.id))
            with step(progress, f"wires: {len(wanted) + len(strays)} expectations"):
                return _Run(cloud.design, hands, legs, pool).whole(wanted, every, strays)


def _addresses(legs: Legs) -> set[IPv4Address]:
    return {IPv4Address(address) for leg in legs.values() for address in leg["addresses"]}


class _Run:
    def __init__(self, design: Design, hands: dict[str, Hands], legs: dict[str, Legs], pool: Executor) -> None:
        self._design = design
        self._hands = hands
        self._legs = legs
        self._pool = pool

    def whole(
        self, wanted: tuple[Shot, ...], every: tuple[Shot, ...], strays: tuple[Crossing, ...]
    ) -> tuple[Seen, ...]:
        """Each shot and what it met; before them what is said to all, which has the longest way."""
        made = [(shot, shot.id, shot.make(self._ends(shot))) for shot in wanted]
        # The last on each wire of each node.
        aimed = wanted if not strays else every
        ways = {(shot.wire, shot.node): shot for shot in aimed}
        lasts = [(shot, f"{wire}/{node}/last", marker(self._ends(shot))) for (wire, node), shot in ways.items()]
        ears: dict[str, dict[str, Any]] = defaultdict(dict)
        frames: dict[str, list[list[str]]] = defaultdict(list)
        tokens = {(each.wire, each.hostile): secrets.token_bytes(TOKEN_BYTES) for each in strays}
        for way, shot in {(shot.wire, shot.hostile): shot for shot in every}.items():
            if way in tokens:
                broadcast = to_all(self._ends(shot), tokens[way])
                frames[shot.hostile].append([self._from(shot), broadcast.hex()])
        for stray in strays:
            said = tokens[stray.wire, stray.hostile].hex()
            ears[stray.node][stray.id] = {"came": said, "answers": [[said]], "passed": True}
        for shot, name, each in (*made, *lasts):
            ears[shot.node][name] = _words(each)
            frames[shot.hostile].append([self._from(shot), each.frame.hex()])
        list(self._pool.map(lambda each: self._hands[each[0]].call("listen", shots=each[1]), ears.items()))
        list(self._pool.map(lambda each: self._hands[each[0]].call("send", frames=each[1]), frames.items()))
        heard: dict[str, list[list[str]]] = {}
        ends = {node: [name for shot, name, _ in lasts if shot.node == node] for node in ears}
        for shots_of_it in self._pool.map(lambda each: self._heard(*each), ends.items()):
            heard |= shots_of_it
        nodes = self._design.site.nodes
        return (
            *(Seen(probe(nodes, shot), *outcome(shot, *heard[shot.id])) for shot in wanted),
            *(Seen(stray.probe, *crossed(stray, *heard[stray.id])) for stray in strays),
        )

    def _heard(self, node: str, lasts: list[str]) -> dict[str, list[list[str]]]:
        found: dict[str, list[list[str]]] = self._hands[node].call(
            "heard", last=lasts, rounds=ROUNDS, seconds=LAST_SECONDS
        )
        return found

    def _ends(self, shot: Shot) -> Ends:
        source = self._legs[shot.hostile][self._from(shot)]["mac"]
        target = self._leg(shot.node, shot.card)["mac"]
        return Ends(bytes.fromhex(source), bytes.fromhex(target), secrets.token_bytes(TOKEN_BYTES))

    def _from(self, shot: Shot) -> str:
        """The interface of the hostile machine on that wire."""
        if shot.hostile != ROUTER:
            name = card(self._design, shot.hostile, shot.wire)
            self._leg(shot.hostile, name)
            return name
        gateway = str(self._design.site.networks[shot.wire].gateway)
        for name, leg in self._legs[ROUTER].items():
            if gateway in leg["addresses"]:
                return name
        raise WallcloudError(f"the router has no leg on {shot.wire}", hint="wallcloud lab up")

    def _leg(self, machine: str, name: str) -> Mapping[str, Any]:
        try:
            return self._legs[machine][name]
        except KeyError:
            raise WallcloudError(f"there is no interface {name}", where=machine, hint="wallcloud apply") from None


def probe(nodes: Iterable[str], shot: Shot) -> Probe:
    """What stands in the report."""
    hostile = f"{shot.hostile} as a hostile machine" if shot.hostile in set(nodes) else shot.hostile
    return Probe(
        shot.id,
        shot.hostile,
        shot.expected,
        shot.why,
        {},
        negative=shot.expected == SILENT,
        repeat=by_hand.again("wires", shot.id),
        source=hostile,
        target=f"{shot.node} on {shot.wire}",
    )


def outcome(shot: Shot, came: list[str], sent: list[str]) -> tuple[str, str]:
    """(outcome, detail): silence counts only where the frame was heard at the node's card."""
    if sent:
        return ANSWERED, f"{shot.node} sent on {', '.join(sent)}" if shot.expected == SILENT else ""
    if shot.card not in came:
        return UNHEARD, f"the frame did not come to {shot.card} of {shot.node}"
    return SILENT, "" if shot.expected == SILENT else f"it came to {shot.card} of {shot.node}, and nothing went out"


def _words(made: Made) -> dict[str, Any]:
    answers = [[word.hex() for word in words] for words in made.answers]
    return {"came": made.came.hex(), "answers": answers, "passed": False}
