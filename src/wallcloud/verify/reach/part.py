"""The part as a whole: ask, listen, send, wait for the last, judge; then the same without the wall, for some."""

from __future__ import annotations

import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple, TypeVar

from wallcloud.design.firewall import nic
from wallcloud.errors import WallcloudError
from wallcloud.progress import Progress, step
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.hands import ARGV, Hands
from wallcloud.verify.reach import telling, unwalled
from wallcloud.verify.reach.far import packets
from wallcloud.verify.reach.judging import Heard, gather, outcome
from wallcloud.verify.reach.matrix import DELIVERED, Found, Shot, interfaces, matrix
from wallcloud.verify.reach.places import place_at
from wallcloud.verify.reach.programs import PROGRAM, PROTOCOLS

QUESTIONS = 3
"""An answer to one of them is enough: a busy switch may lose one."""
LAST_SECONDS = 5.0
"""Only what does not come takes so long."""
T = TypeVar("T")


def run(cloud: Cloud, progress: Progress) -> tuple[Seen, ...]:
    """Tries everything that is wanted. Raises WallcloudError where it cannot even begin."""
    with ExitStack() as open_:

        def hands(place: str, argv: list[str]) -> Hands:
            return open_.enter_context(Hands(place, argv, PROGRAM))

        nodes = {node: hands(node, cloud.on_node(node, list(ARGV))) for node in cloud.design.site.nodes}
        places = {place: hands(place, cloud.command(place, list(ARGV))) for place in cloud.outside}
        return _Run(cloud, nodes, places, progress).whole()


class Token(NamedTuple):
    """By what a packet is known again."""

    number: int
    from_port: int


class _Run:
    def __init__(self, cloud: Cloud, nodes: dict[str, Hands], places: dict[str, Hands], progress: Progress) -> None:
        self._wants = cloud.wants
        self._design = cloud.design
        self._nodes = nodes
        self._places = places
        self._progress = progress
        self._run = secrets.randbelow(255) + 1
        self._interfaces = {node: interfaces(cloud.design, node) for node in nodes}
        self._macs: dict[str, dict[str, str]] = {}
        self._number = self._run << 24
        self._ports: Counter[tuple[object, ...]] = Counter()
        self._offset = secrets.randbelow(len(packets.HELD_BACK))

    def whole(self) -> tuple[Seen, ...]:
        with step(self._progress, "what is open, and whence"):
            found = self._found()
        shots = [shot for shot in matrix(self._design, found) if self._wants(shot.id)]
        with step(self._progress, f"reachability: {len(shots)} expectations"):
            self._each(self._nodes, lambda node: self._nodes[node].call("listen", run=self._run))
            try:
                seen = self._tried(shots)
                held = {each.probe.id for each in seen if each.holds and each.probe.negative}
                chance = random.Random(self._run)  # noqa: S311 - which are taken, not a secret
                kept = [shot for shot in shots if shot.id in held]
                seen += self._without_walls(unwalled.sample(self._design.site, kept, chance))
            finally:
                self._each(self._nodes, lambda node: self._nodes[node].call("deaf"))
        return tuple(seen)

    def _found(self) -> Found:
        told = self._each(self._nodes, lambda node: self._nodes[node].call("tell"))
        self._macs = {node: each["macs"] for node, each in told.items()}
        places = self._each(self._places, lambda name: place_at(self._design, name, self._places[name]))
        open_ = {node: tuple((name, port) for name, port in each["open"]) for node, each in told.items()}
        return Found(open_, tuple(places.values()), self._run)

    def _token(self, shot: Shot, ports: range) -> Token:
        """A number of its own, and a source port that no other packet to the same port of the same address has."""
        self._number += 1
        key = (shot.sender, shot.address, shot.protocol, shot.port, ports)
        self._ports[key] += 1
        return Token(self._number, ports[(self._offset + self._ports[key]) % len(ports)])

    def _tried(self, shots: Sequence[Shot]) -> list[Seen]:
        tokens = [self._token(shot, packets.HELD_BACK if shot.negative else packets.LET_THROUGH) for shot in shots]
        errors, heard, ends = self._shoot(dict(zip(tokens, shots, strict=True)))
        return ends + [
            Seen(
                telling.probe(self._design, shot),
                *outcome(shot, errors[token.number], heard.get(token.number, ()), self._interfaces),
            )
            for token, shot in zip(tokens, shots, strict=True)
        ]

    def _without_walls(self, sample: Sequence[Shot]) -> list[Seen]:
        """The same once more, each with a rule at the head of the chain that lets this one packet through."""
        numbered = {self._token(shot, packets.WITHOUT_WALL): shot for shot in sample}
        rules: dict[str, list[list[str]]] = defaultdict(list)
        for token, shot in numbered.items():
            chain, text = unwalled.rule(shot, token.from_port)
            rules[shot.sender if chain == "output" else shot.lands].append([chain, text])
        opened: dict[str, Any] = {}
        try:
            opened = self._each(rules, lambda node: self._nodes[node].call("open_wall", rules=rules[node]))
            _, heard, _ = self._shoot(numbered, unwalled=True)
        finally:
            self._each(opened, lambda node: self._nodes[node].call("close_wall", handles=opened[node]))
        return [unwalled.seen(self._design, shot, heard.get(token.number, ())) for token, shot in numbered.items()]

    def _shoot(self, numbered: dict[Token, Shot], unwalled: bool = False) -> tuple[dict[int, str], Heard, list[Seen]]:
        """Sends all, each sender in order and all senders at once, until the last of each is through."""
        orders: dict[str, list[tuple[int, list[Any]]]] = defaultdict(list)
        marks: dict[str, list[list[Any]]] = defaultdict(list)
        asked: dict[str, list[list[str]]] = defaultdict(list)
        ends: dict[tuple[str, str, str], Shot] = {}
        for token, shot in numbered.items():
            number = token.number
            orders[shot.sender].append((number, self._order(token, shot)))
            if unwalled:
                at, way = (shot.sender, "out") if shot.how == "as" else (shot.lands, "inner")
                marks[at].append([number, "probe", way])
            elif shot.expected == DELIVERED and shot.outside:
                marks[shot.sender].append([number, "reply", "in"])
            elif shot.expected == DELIVERED:
                marks[shot.lands].append([number, "probe", "in" if shot.tunnel else "inner"])
            if (
                shot.lands
                and shot.sender != shot.lands
                and shot.network
                and not (shot.how == "as" and shot.sender in self._nodes)
            ):
                ends[shot.sender, shot.lands, shot.network] = shot
        closing = {
            end: self._end(shot, orders[shot.sender], marks[shot.lands], asked[shot.lands])
            for end, shot in ends.items()
        }
        cores = {name: core for core, name in enumerate(orders)}
        sent = self._each(
            orders,
            lambda name: (self._nodes.get(name) or self._places[name]).call(
                "send", shots=[order for _, order in orders[name]], core=cores[name]
            ),
        )
        late = self._each(
            self._nodes,
            lambda node: self._nodes[node].call("wait", marks=marks[node], asked=asked[node], seconds=LAST_SECONDS),
        )
        told = self._each(self._nodes, lambda node: self._nodes[node].call("heard"))
        for node, each in told.items():
            if each["lost"]:
                raise WallcloudError(
                    f"its ears lost {each['lost']} frames", where=node, hint="the node is very busy: verify once more"
                )
        errors = {
            number: error
            for name, answers in sent.items()
            for (number, _), error in zip(orders[name], answers, strict=True)
        }
        heard = gather({node: each["records"] for node, each in told.items()})
        return errors, heard, [_ended(*end, *close, late[end[1]]) for end, close in closing.items()]

    def _order(self, token: Token, shot: Shot) -> list[Any]:
        protocol = PROTOCOLS[shot.protocol]
        if shot.how == "as":
            return ["as", *token, shot.uid, shot.mark, shot.address, protocol, shot.port]
        card, mac = self._ends(shot)
        return ["frame", *token, card, shot.source, shot.address, mac, protocol, shot.port]

    def _ends(self, shot: Shot) -> tuple[str, str]:
        """The card that a frame leaves by, and the MAC that it is for."""
        site = self._design.site
        card = site.networks[shot.network].device(site.nodes[shot.sender].interfaces[shot.network])
        return card, self._macs[shot.lands][nic(site, shot.lands, shot.network)]

    def _end(
        self, shot: Shot, orders: list[tuple[int, list[Any]]], marks: list[list[Any]], asked: list[list[str]]
    ) -> tuple[list[Any], list[str]]:
        """The last packets on a way: an echo that must be heard at its end, and an ARP question that is answered there.
        Both, as they are waited for there."""
        token = self._token(shot, packets.LET_THROUGH)
        number = token.number
        mark = [number, "probe", "in"]
        marks.append(mark)
        if shot.how == "as":
            orders.append((number, ["as", *token, 0, shot.mark, shot.address, packets.ICMP, 0]))
            return mark, []
        card, mac = self._ends(shot)
        orders.append((number, ["frame", *token, card, shot.source, shot.address, mac, packets.ICMP, 0]))
        orders += [(number, ["arp", card, shot.source, shot.address, mac])] * QUESTIONS
        site = self._design.site
        there = site.networks[shot.network].device(site.nodes[shot.lands].interfaces[shot.network])
        question = [there, shot.source, shot.address]
        asked.append(question)
        return mark, question

    def _each(self, names: Iterable[str], act: Callable[[str], T]) -> dict[str, T]:
        every = list(names)
        with ThreadPoolExecutor(max(1, len(every))) as pool:
            return dict(zip(every, pool.map(act, every), strict=True))


def _ended(
    sender_: str, lands: str, network: str, mark: list[Any], question: list[str], late: tuple[list[Any], list[Any]]
) -> Seen:
    """That the ears at the end of a way heard the last packet of it: else what they did not hear says nothing."""
    whole = mark not in late[0] and question not in late[1]
    return Seen(
        Probe(
            id=f"reach/{sender_}/{lands}:{network}/heard-to-the-end",
            place=sender_,
            expected="heard to the end",
            why=f"the last packet from {sender_} over {network} is heard at {lands}: its ears hear, and all is through",
            what={},
            source=sender_,
            target=f"{lands} on {network}",
        ),
        "heard to the end" if whole else "not heard to the end",
    )
