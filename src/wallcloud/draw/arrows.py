"""Flows as arrows: those between the same two boxes with the same protection are one."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from wallcloud.catalog.component import Exemption
from wallcloud.design.flows import Flow, Transport
from wallcloud.draw.canvas import SMALL, measure
from wallcloud.frozen import frozen

ROW, TEXT_LINE, LONGEST = 10.0, 13.0, 300.0
"""Height of an arrow and of a line of its text; how wide a line of several names may be."""
LOOP = 16.0


class Protection(StrEnum):
    """How a flow is protected, from most to least."""

    MUTUAL = "mutual"
    TLS = "tls"
    SSH = "ssh"
    ECHO = "echo"
    EXCEPTION = "exception"


WORDS: Mapping[Protection, str] = {
    Protection.MUTUAL: "mutual TLS",
    Protection.TLS: "TLS",
    Protection.SSH: "SSH",
    Protection.ECHO: "echo (ping)",
    Protection.EXCEPTION: "named exception",
}


def protection(flow: Flow) -> Protection:
    """What a flow's ends do for it."""
    if flow.exemption:
        return Protection.EXCEPTION
    if flow.authentication.startswith("mutual TLS"):
        return Protection.MUTUAL
    if flow.encryption.startswith("TLS"):
        return Protection.TLS
    return Protection.SSH if flow.encryption == "SSH" else Protection.ECHO


@frozen
class Arrow:
    """From one x to another on a lane, and its text in lines."""

    start: float
    stop: float
    both: bool
    protection: Protection
    lines: tuple[str, ...]

    @property
    def look(self) -> str:
        """The class of its text."""
        return "exception-text" if self.protection is Protection.EXCEPTION else ""

    @property
    def left(self) -> float:
        """Where its text begins."""
        return min(self.start, self.stop) + 7

    @property
    def right(self) -> float:
        """What stands beside it begins right of here."""
        text = max(measure(line, SMALL, self.look) for line in self.lines)
        return max(self.start, self.stop, self.left + text) + 12

    @property
    def high(self) -> float:
        """Of its row."""
        return ROW + TEXT_LINE * len(self.lines)


def arrows(
    flows: Iterable[Flow], network: str, legs: Mapping[str, float], router: float, *, room: float
) -> tuple[Arrow, ...]:
    """The arrows of a network. `legs`: node → x of its leg there; `router`: x of who is outside; `room`: right end."""
    texts: dict[tuple[float, float, bool, Protection, Exemption | None], dict[str, None]] = {}
    for flow in flows:
        if flow.transport is not Transport.NETWORK or flow.network != network:
            continue
        peers = {flow.client.who, flow.server.who} & {f"{flow.client.who} of others", f"{flow.server.who} of others"}
        if peers:
            start, stop, both = min(legs.values()), max(legs.values()), True
            text = f"{next(iter(peers)).removesuffix(' of others')} {flow.where}, between all"
        else:
            start = legs[flow.client.node] if flow.client.node else router
            stop = legs[flow.server.node] if flow.server.node else router
            both = False
            who = flow.server.who if flow.server.node else flow.client.who
            text = flow.where if flow.where == "icmp" else f"{who} {flow.where}"
        texts.setdefault((start, stop, both, protection(flow), flow.exemption), {})[text] = None
    found = []
    for (start, stop, both, how, exemption), names in texts.items():
        what = WORDS[how] + (f" “{exemption.name}”" if exemption else "")
        left = min(start, stop) + 7
        longest = max(min(room - left, max(LONGEST, abs(stop - start) - 20)), 60)
        look = "exception-text" if exemption else ""
        found.append(Arrow(start, stop, both, how, tuple(_lines(f"{what}:", names, longest, look))))
    return tuple(sorted(found, key=lambda each: (min(each.start, each.stop), -each.right, each.protection)))


def _lines(head: str, names: Iterable[str], longest: float, look: str) -> Iterable[str]:
    line = head
    for at, name in enumerate(names):
        joined = f"{line}, {name}" if at else f"{line} {name}"
        if measure(joined + ",", SMALL, look) > longest:
            yield line + ("," if at else "")
            line = name
        else:
            line = joined
    yield line


def rows(found: Iterable[Arrow]) -> tuple[tuple[Arrow, ...], ...]:
    """Arrows that have room side by side share a row."""
    made: list[list[Arrow]] = []
    for arrow in found:
        left = arrow.left - 12
        row = next((r for r in made if all(left >= o.right or arrow.right <= o.left - 12 for o in r)), None)
        if row is None:
            made.append([arrow])
        else:
            row.append(arrow)
    return tuple(map(tuple, made))
