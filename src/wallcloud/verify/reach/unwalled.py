"""The positive control of a negative: the same packet is delivered as soon as that wall alone is gone.

For a sample of what was held back, a rule at the head of the chain lets one packet through: that of this account or
source, to this address and port, from this source port. It is taken away again in the same second.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from wallcloud.design.compile import Design
from wallcloud.site.model import Kind, Site
from wallcloud.verify.expectation import Seen
from wallcloud.verify.reach import telling
from wallcloud.verify.reach.judging import Note
from wallcloud.verify.reach.matrix import DROPPED, KEPT, Shot

LET_OUT, LET_IN = "let out", "let in"
EACH = 4
"""So many of each node's outgoing wall, and of its incoming one."""


def sample(site: Site, held: Sequence[Shot], chance: random.Random) -> list[Shot]:
    """Some of each wall: those that a single rule holds back. So no forwarding, nothing that has no route, and nothing
    on the overlay, where the bridge holds back what the firewall never sees."""
    # A node is a hostile machine on each wire where it stands.
    stands = {(shot.sender, shot.network) for shot in held if shot.how == "frame"}
    walls: dict[tuple[str, str], list[Shot]] = defaultdict(list)
    for shot in held:
        if shot.expected == KEPT and shot.lands and (not shot.network or (shot.sender, shot.network) in stands):
            walls[shot.sender, "output"].append(shot)
        elif shot.expected == DROPPED and shot.how == "frame" and site.networks[shot.network].kind is not Kind.OVERLAY:
            walls[shot.lands, "input"].append(shot)
    return [shot for each in walls.values() for shot in chance.sample(each, min(EACH, len(each)))]


def rule(shot: Shot, from_port: int) -> tuple[str, str]:
    """(chain, rule) that lets this packet through and no other."""
    ports = (
        f"icmp id {from_port}"
        if shot.protocol == "icmp"
        else f"{shot.protocol} sport {from_port} {shot.protocol} dport {shot.port}"
    )
    if shot.expected == KEPT:
        return "output", f"meta skuid {shot.uid} ip daddr {shot.address} {ports} accept"
    return "input", f"ip saddr {shot.source} ip daddr {shot.address} {ports} accept"


def seen(design: Design, shot: Shot, notes: tuple[Note, ...]) -> Seen:
    """Whether it came through without its wall."""
    out = any(note.node == shot.sender and note.way == "out" and note.kind == "probe" for note in notes)
    inside = any(note.node == shot.lands and note.way == "inner" and note.kind == "probe" for note in notes)
    expected = LET_OUT if shot.expected == KEPT else LET_IN
    met = expected if (out if shot.expected == KEPT else inside) else "held back all the same"
    original = telling.probe(design, shot)
    probe = replace(
        original,
        id=f"{shot.id}/without-its-wall",
        expected=expected,
        why="the same packet, with a rule that lets it through: what held it back is that wall, and the ears hear",
        negative=False,
    )
    return Seen(probe, met)
