"""The part as a whole: ask, listen, send, wait for the last, judge; then the same without the wall, for some."""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from wallcloud.design.firewall import nic
from wallcloud.errors import WallcloudError
from wallcloud.progress import Progress, step
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.hands import ARGV, Hands, at_once
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


Late = tuple[list[Any], list[Any]]
"""Marks that were not heard, and questions that were not answered (Ears.wait)."""


class Last(NamedTuple):
    """The end of a way: what is sent last, and how that is waited for there."""

    orders: tuple[tuple[int, list[Any]], ...]
    mark: list[Any]
    question: list[str]
    """Empty where none is asked."""

    def missing(self, late: Late) -> bool:
        """Whether something of it was not heard."""
        return self.mark in late[0] or self.question in late[1]


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
        # A server takes no second SYN from the same port while it waits for the end of a first one's handshake: a
        # minute (tcp(7), tcp_synack_retries). A run later by a second begins ten ports further, and in 100 s anew.
        self._offset = int(time.time() * 10)

    def whole(self) -> tuple[Seen, ...]:
        with step(self._progress, "what is open, and whence"):
            found = self._found()
        shots = [shot for shot in matrix(self._design, found) if self._wants(shot.id)]
        with step(self._progress, f"reachability: {len(shots)} expectations"):
            at_once(self._nodes, lambda node: self._nodes[node].call("listen", run=self._run))
            try:
                seen = self._tried(shots)
                held = {each.probe.id for each in seen if each.holds and each.probe.negative}
                chance = random.Random(self._run)  # noqa: S311 - which are taken, not a secret
                kept = [shot for shot in shots if shot.id in held]
                seen += self._without_walls(unwalled.sample(self._design.site, kept, chance))
            finally:
                at_once(self._nodes, lambda node: self._nodes[node].call("deaf"))
        return tuple(seen)

    def _found(self) -> Found:
        told = at_once(self._nodes, lambda node: self._nodes[node].call("tell"))
        self._macs = {node: each["macs"] for node, each in told.items()}
        places = at_once(self._places, lambda name: place_at(self._design, name, self._places[name]))
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
        handles: dict[str, Any] = {}
        try:
            handles = at_once(rules, lambda node: self._nodes[node].call("open_wall", rules=rules[node]))
            _, heard, _ = self._shoot(numbered, opened=True)
        finally:
            at_once(handles, lambda node: self._nodes[node].call("close_wall", handles=handles[node]))
        return [unwalled.seen(self._design, shot, heard.get(token.number, ())) for token, shot in numbered.items()]

    def _shoot(self, numbered: dict[Token, Shot], opened: bool = False) -> tuple[dict[int, str], Heard, list[Seen]]:
        """Sends all, each sender in order and all senders at once, until the last of each is through."""
        orders: dict[str, list[tuple[int, list[Any]]]] = defaultdict(list)
        marks: dict[str, list[list[Any]]] = defaultdict(list)
        asked: dict[str, list[list[str]]] = defaultdict(list)
        ends: dict[tuple[str, str, str], Shot] = {}
        for token, shot in numbered.items():
            number = token.number
            orders[shot.sender].append((number, self._order(token, shot)))
            if opened:
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
        closing = {end: self._end(shot) for end, shot in ends.items()}
        for (sender, lands, _), last in closing.items():
            orders[sender] += last.orders
            marks[lands].append(last.mark)
            asked[lands] += [last.question] if last.question else []
        sent = self._sent(orders)
        late = self._wait(marks, asked)
        unheard = {end: last for end, last in closing.items() if last.missing(late[end[1]])}
        if unheard:
            # A busy switch may lose the last packet as any other; those that it was to follow are judged by themselves.
            again: dict[str, list[tuple[int, list[Any]]]] = defaultdict(list)
            for (sender, _, _), last in unheard.items():
                again[sender] += last.orders
            self._sent(again)
            late |= self._wait(marks, asked)
        told = at_once(self._nodes, lambda node: self._nodes[node].call("heard"))
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
        return errors, heard, [_ended(*end, whole=not last.missing(late[end[1]])) for end, last in closing.items()]

    def _sent(self, orders: Mapping[str, list[tuple[int, list[Any]]]]) -> dict[str, list[str]]:
        """What met each order, by who sent them: all of them at once."""
        cores = {name: core for core, name in enumerate(orders)}
        return at_once(
            orders,
            lambda name: (self._nodes.get(name) or self._places[name]).call(
                "send", shots=[order for _, order in orders[name]], core=cores[name]
            ),
        )

    def _wait(self, marks: Mapping[str, list[Any]], asked: Mapping[str, list[Any]]) -> dict[str, Late]:
        """What every node lacks of these in the end."""
        return at_once(
            self._nodes,
            lambda node: self._nodes[node].call(
                "wait", marks=marks.get(node, []), asked=asked.get(node, []), seconds=LAST_SECONDS
            ),
        )

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

    def _end(self, shot: Shot) -> Last:
        """The last packets on a way: an echo to be heard at its end, and an ARP question to be answered there."""
        token = self._token(shot, packets.LET_THROUGH)
        number = token.number
        mark = [number, "probe", "in"]
        if shot.how == "as":
            return Last(((number, ["as", *token, 0, shot.mark, shot.address, packets.ICMP, 0]),), mark, [])
        card, mac = self._ends(shot)
        echo = (number, ["frame", *token, card, shot.source, shot.address, mac, packets.ICMP, 0])
        question = (number, ["arp", card, shot.source, shot.address, mac])
        site = self._design.site
        there = site.networks[shot.network].device(site.nodes[shot.lands].interfaces[shot.network])
        return Last((echo, *[question] * QUESTIONS), mark, [there, shot.source, shot.address])


def _ended(sender_: str, lands: str, network: str, *, whole: bool) -> Seen:
    """That the ears at the end of a way heard the last packet of it: else what they did not hear says nothing."""
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
