"""What a place outside tells of itself."""

from __future__ import annotations

from wallcloud.design.compile import Design
from wallcloud.verify.hands import Hands
from wallcloud.verify.places import ROUTER
from wallcloud.verify.reach.matrix import Place


def place_at(design: Design, name: str, hands: Hands) -> Place:
    """Whence it would ask each address, and the ways that it has. Raises Trouble."""
    addresses = [str(address) for _, address in design.plan.items()]
    sources = hands.call("sources", addresses=addresses)
    ways = hands.call("ways") if name == ROUTER else ()
    return Place(name, sources, tuple((mark, hop) for mark, hop in ways))
