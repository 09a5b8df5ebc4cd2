"""That what is said to all on a wire is heard on no other: no card in a wrong bridge, no bridges joined. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.verify import by_hand
from wallcloud.verify.expectation import Probe
from wallcloud.verify.wires.shots import Shot, card

ALONE, UNHEARD = "on its wire alone", "unheard"


@frozen
class Crossing:
    """One node's ear for the broadcast that `hostile` sends on `wire`."""

    wire: str
    node: str
    hostile: str
    own: str
    """The node's card on the wire; empty where it has none or sends itself."""
    others: frozenset[str]
    """Its cards on other wires."""

    @property
    def id(self) -> str:
        """`wires/WIRE/NODE/elsewhere`."""
        return f"wires/{self.wire}/{self.node}/elsewhere"

    @property
    def probe(self) -> Probe:
        """What stands in the report."""
        return Probe(
            self.id,
            self.hostile,
            ALONE,
            f"a broadcast on {self.wire} comes to {self.node} over that wire or not at all: no bridge joins two",
            {},
            negative=True,
            repeat=by_hand.again("wires", self.id),
            source=self.hostile,
            target=f"{self.node} on {self.wire}",
        )


def crossings(design: Design, every: Iterable[Shot]) -> Iterator[Crossing]:
    """For each wire on which somebody could play the hostile machine, every node. A node that is tried there hears the
    machine that tries it: what a node says itself does not come in by its own bridge."""
    tried = {(shot.wire, shot.node): shot.hostile for shot in every}
    for wire, anybody in {shot.wire: shot.hostile for shot in every}.items():
        for node, its in design.site.nodes.items():
            hostile = tried.get((wire, node), anybody)
            on_it = wire in its.interfaces
            # An untagged network's card hears the tagged ones of the same plug, too.
            plugs = {card(design, node, wire), its.interfaces[wire]} if on_it else set()
            others = {card(design, node, other) for other in its.interfaces if other != wire}
            own = card(design, node, wire) if on_it and node != hostile else ""
            yield Crossing(wire, node, hostile, own, frozenset(others - plugs))


def crossed(crossing: Crossing, came: Collection[str], went: Collection[str]) -> tuple[str, str]:
    """(outcome, detail): that it came in or went out by no other wire counts where it was heard on its own."""
    strays = sorted(crossing.others & {*came, *went})
    if strays:
        return f"heard on {', '.join(strays)}", f"of {crossing.node}"
    if crossing.own and crossing.own not in came:
        return UNHEARD, f"the broadcast did not come to {crossing.own} of {crossing.node}"
    return ALONE, ""
