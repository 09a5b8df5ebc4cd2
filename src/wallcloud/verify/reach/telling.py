"""How a probe of reachability stands in the report: why, and how to repeat it by hand."""

from __future__ import annotations

from wallcloud.design.compile import Design
from wallcloud.verify import by_hand
from wallcloud.verify.expectation import Probe
from wallcloud.verify.reach.matrix import DELIVERED, KEPT, Shot


def probe(design: Design, shot: Shot) -> Probe:
    """The expectation as the report knows it."""
    return Probe(
        id=shot.id,
        place=shot.row,
        expected=shot.expected,
        why=_why(design, shot),
        what={},
        negative=shot.negative,
        repeat=_repeat(design, shot),
        source=shot.row,
        target=shot.column,
    )


def _why(design: Design, shot: Shot) -> str:
    where = f"{shot.protocol}/{shot.port}" if shot.port else shot.protocol
    if shot.expected == DELIVERED:
        return f"a declared flow: {shot.row} → {shot.column} {where}"
    if shot.expected == KEPT:
        return f"no flow of this account's leads to {shot.column} {where}: its own node holds it back"
    if shot.mark or not shot.network:
        return f"no node forwards, and none answers for an address of another wire: {shot.column} {where}"
    return f"no flow lets {shot.row} in: {shot.column} {where}"


def _repeat(design: Design, shot: Shot) -> str:
    # A refusal and a silence look alike for UDP, and there is no ping on a node: what is heard at the target tells.
    if shot.how == "frame" or shot.mark or shot.protocol != "tcp":
        return by_hand.again("reach", shot.id)
    who = ["setpriv", "--reuid", str(shot.uid), "--clear-groups"] if shot.sender in design.site.nodes else []
    return by_hand.at(shot.sender, [*who, *by_hand.connect(shot.address, shot.port)])
