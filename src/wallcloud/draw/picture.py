"""The whole picture: nodes stand on the lanes of the networks, physical routers and who is outside at the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from wallcloud.catalog.component import Outside
from wallcloud.design.compile import Design
from wallcloud.design.flows import Flow
from wallcloud.draw.arrows import LOOP, ROW, TEXT_LINE, WORDS, Arrow, Protection, arrows, protection, rows
from wallcloud.draw.boxes import LEG_TEXT, LINE, PAD, Box, boxes, draw_box, shared
from wallcloud.draw.canvas import LARGE, NORMAL, SMALL, SPACE, TITLE, Canvas, measure
from wallcloud.draw.theme import PREFIX, Theme, style
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind, Network, Site

EDGE, GAP, LANE_GAP = 16.0, 10.0, 6.0
TOP, ABOVE_LANES = 58.0, 34.0
LANE = 50.0


@frozen
class Lane:
    """One network's band."""

    name: str
    network: Network
    y: float
    rows: tuple[tuple[Arrow, ...], ...]
    high: float

    @property
    def middle(self) -> float:
        """Where its wire runs."""
        return self.y + 13


def svg(design: Design, *, theme: Theme = Theme.AUTO, flows: bool = False, nodes: Sequence[str] = ()) -> str:
    """One self-contained `<svg>`: no scripts, no references to outside; ids and classes of its own.

    `flows`: with the flows over networks as arrows on their lanes; of `nodes`, only those that touch one of them.
    """
    chosen = [
        flow
        for flow in design.flows
        if flows and flow.network and (not nodes or {flow.client.node, flow.server.node} & set(nodes))
    ]
    return _Picture(design, chosen).svg(theme)


class _Picture:
    """The layout, from left to right and from top to bottom."""

    def __init__(self, design: Design, flows: Sequence[Flow]) -> None:
        self.design, self.site, self.flows = design, design.site, flows
        self.canvas = Canvas()
        self.boxes = boxes(design)
        self.outside = _outside(self.site)
        everywhere = shared(design)
        self.legend = (
            *(("On every node", "b"),),
            *((name, "") for name in everywhere),
        )
        labels = (
            max(
                measure(name, LARGE, "b") + SPACE + measure(_kind(name, n), SMALL)
                for name, n in self.site.networks.items()
            ),
            *(measure(line, SMALL) for network in self.site.networks.values() for line in _facts(network)),
            *(measure(text, NORMAL, look) for text, look in self.legend),
            *((measure(word, SMALL) + 34 for word in WORDS.values()) if flows else ()),
        )
        x = EDGE + PAD + max(labels) + GAP
        self.left: list[float] = []
        for box in self.boxes:
            self.left.append(x)
            x += box.wide + GAP
        # What is not routed says so right of the last node.
        self.router = x + 26
        title = measure(self.site.name, TITLE, "b") + SPACE + measure(self._what(), LARGE)
        gateways = [str(g) for network in self.site.networks.values() for g in (network.gateway, network.gateway6) if g]
        self.router_wide = (
            2 * PAD
            + 14
            + max(
                *(measure(text, SMALL) for text in (*gateways, "routed by nobody")),
                measure("physical routers", NORMAL, "b"),
                *(measure(line, NORMAL) for lines in self.outside for line in lines),
            )
        )
        self.wide = max(self.router + self.router_wide, EDGE + title) + EDGE
        legend_high = 24 + LINE * (len(self.legend) + (len(WORDS) + 2 if flows else 0))
        self.high_boxes = max(legend_high, *(box.high for box in self.boxes), self._outside_high())
        self.lanes = self._lanes(TOP + self.high_boxes + ABOVE_LANES)
        self.high = self.lanes[-1].y + self.lanes[-1].high + EDGE

    def _outside_high(self) -> float:
        return sum(14 + LINE * len(lines) + GAP for lines in self.outside)

    def _lanes(self, y: float) -> tuple[Lane, ...]:
        made = []
        for name, network in self.site.networks.items():
            legs = self._legs(name)
            found = arrows(self.flows, name, legs, self.router, room=self.wide - EDGE) if legs else ()
            packed = rows(found)
            six = 13 if network.cidr6 else 0
            high = LANE + six + sum(max(arrow.high for arrow in row) for row in packed) + (8 if packed else 0)
            made.append(Lane(name, network, y, packed, high))
            y += high + LANE_GAP
        return tuple(made)

    def _legs(self, network: str) -> Mapping[str, float]:
        return {
            node: left + box.leg(network)
            for box, left in zip(self.boxes, self.left, strict=True)
            if network in box.devices
            for node in box.nodes
        }

    def svg(self, theme: Theme) -> str:
        """All of it."""
        canvas = self.canvas
        canvas.rect(0, 0, self.wide, self.high, "paper")
        self._title()
        for lane in self.lanes:
            self._band(lane)
        self._routers()
        for box, left in zip(self.boxes, self.left, strict=True):
            self._stand(box, left)
        for lane in self.lanes:
            self._arrows(lane)
        size = f"{self.wide:.0f} {self.high:.0f}"
        wide, high = size.split()
        title, text = f"The site {self.site.name}", self._description()
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" class="{PREFIX}" viewBox="0 0 {size}" width="{wide}" '
                f'height="{high}" role="img" aria-labelledby="{PREFIX}-title {PREFIX}-desc">',
                f'<title id="{PREFIX}-title">{escape(title)}</title>',
                f'<desc id="{PREFIX}-desc">{escape(text)}</desc>',
                f"<style>{style(theme)}</style>",
                *canvas.elements,
                "</svg>\n",
            )
        )

    def _description(self) -> str:
        nodes = "; ".join(
            f"{', '.join(box.nodes)} ({box.roles}) on {', '.join(box.devices) or 'no network'}" for box in self.boxes
        )
        networks = "; ".join(
            f"{name} ({network.kind}, {network.cidr}, {'routed' if network.gateway else 'not routed'})"
            for name, network in self.site.networks.items()
        )
        return f"Nodes: {nodes}. Networks: {networks}."

    def _what(self) -> str:
        nodes = f"{len(self.site.nodes)} nodes" if len(self.site.nodes) != 1 else "1 node"
        return f"OpenStack {self.site.release} on {nodes}, {len(self.site.networks)} networks"

    def _title(self) -> None:
        self.canvas.text(EDGE, 34, self.site.name, TITLE, look="b", more=(self._what(), LARGE))
        y = TOP + 19
        for text, look in self.legend:
            self.canvas.text(EDGE + PAD, y, text, NORMAL, look=look)
            y += LINE
        if not self.flows:
            return
        y += LINE
        self.canvas.text(EDGE + PAD, y, "Flows", NORMAL, look="b")
        used = {protection(flow) for flow in self.flows}
        for each in (p for p in Protection if p in used):
            y += LINE
            self.canvas.line(((EDGE + PAD, y - 4), (EDGE + PAD + 26, y - 4)), f"arrow {each}")
            self.canvas.text(EDGE + PAD + 34, y, WORDS[each], SMALL)

    def _band(self, lane: Lane) -> None:
        canvas, kind = self.canvas, lane.network.kind
        far = self.router + 20 if lane.network.gateway else self.wide - EDGE
        canvas.rect(EDGE, lane.y, far - EDGE, lane.high, f"lane-{kind}", 5)
        canvas.rect(EDGE, lane.y, 4, lane.high, f"dot-{kind}", 2)
        x = EDGE + PAD
        word = _kind(lane.name, lane.network)
        canvas.text(x, lane.y + 17, lane.name, LARGE, look=f"name-{kind}", more=(word, SMALL) if word else None)
        for at, line in enumerate(_facts(lane.network)):
            canvas.text(x, lane.y + 31 + 13 * at, line, SMALL, look="m")
        legs = self._legs(lane.name).values()
        right = self.router if lane.network.gateway else max(legs, default=0)
        if legs:
            canvas.line(((min(legs), lane.middle), (right, lane.middle)), f"edge-{kind}")

    def _stand(self, box: Box, left: float) -> None:
        canvas = self.canvas
        draw_box(canvas, box, left, TOP, self.high_boxes)
        for lane in self.lanes:
            if lane.name not in box.devices:
                continue
            x, kind = left + box.leg(lane.name), lane.network.kind
            end = lane.y + lane.high - 8 if lane.rows else lane.middle
            canvas.line(((x, TOP + self.high_boxes), (x, end)), f"edge-{kind}")
            canvas.dot(x, lane.middle, f"dot-{kind}")
            texts = box.ends[lane.name]
            for at, text in enumerate(texts):
                canvas.text(x + LEG_TEXT, lane.y + 29 + 14 * at, text, SMALL, look="m" if at == 0 else "")

    def _routers(self) -> None:
        canvas = self.canvas
        routed = [lane for lane in self.lanes if lane.network.gateway]
        if routed:
            x, right = self.router, self.router + self.router_wide
            top, bottom = routed[0].y - 26, routed[-1].y + routed[-1].high
            canvas.rect(x, top, self.router_wide, bottom - top, "box", 6)
            canvas.text(x + PAD, top + 18, "physical routers", NORMAL, look="b")
            for lane in self.lanes:
                if lane.network.gateway:
                    self._gateway(lane, x)
                elif routed[0].y < lane.y < routed[-1].y:
                    canvas.rect(x - 1, lane.y, self.router_wide - 11, lane.high, f"lane-{lane.network.kind}")
                    canvas.line(
                        (
                            (x, lane.y),
                            (right - 12, lane.y),
                            (right - 12, lane.y + lane.high),
                            (x, lane.y + lane.high),
                        ),
                        "rule",
                    )
        for lane in self.lanes:
            if not lane.network.gateway:
                canvas.text(self.router + PAD, lane.middle + 4, "routed by nobody", SMALL, look="m")
        y = TOP
        last = y
        for lines in self.outside:
            high = 14 + LINE * len(lines)
            if y > TOP:
                canvas.line(((self.router + 24, last), (self.router + 24, y)), "rule")
            canvas.rect(self.router, y, self.router_wide, high, "box", 6)
            for at, line in enumerate(lines):
                canvas.text(self.router + PAD, y + 19 + LINE * at, line, NORMAL, look="" if at else "b")
            last = y + high
            y = last + GAP
        if routed:
            canvas.line(((self.router + 24, last), (self.router + 24, routed[0].y - 26)), "rule")

    def _gateway(self, lane: Lane, x: float) -> None:
        network = lane.network
        self.canvas.dot(x, lane.middle, f"dot-{network.kind}")
        for at, gateway in enumerate(g for g in (network.gateway, network.gateway6) if g):
            self.canvas.text(x + PAD, lane.middle + 4 + 14 * at, str(gateway), SMALL)

    def _arrows(self, lane: Lane) -> None:
        y = lane.y + LANE + (13 if lane.network.cidr6 else 0)
        for row in lane.rows:
            for arrow in row:
                self._arrow(arrow, y, lane.network.kind)
            y += max(arrow.high for arrow in row)

    def _arrow(self, arrow: Arrow, y: float, kind: Kind) -> None:
        canvas, how = self.canvas, arrow.protection
        head = "exception-head" if how is Protection.EXCEPTION else "head"
        at = y + 4
        if arrow.start == arrow.stop:
            x = arrow.start
            canvas.line(((x, at - 3), (x + LOOP, at - 3), (x + LOOP, at + 3), (x + 6, at + 3)), f"arrow {how}")
            canvas.polygon(((x + 1, at + 3), (x + 8, at), (x + 8, at + 6)), head)
        else:
            canvas.line(((arrow.start, at), (arrow.stop, at)), f"arrow {how}")
            for tip, tail in ((arrow.stop, arrow.start), *(((arrow.start, arrow.stop),) if arrow.both else ())):
                back = 7 if tail > tip else -7
                canvas.polygon(((tip, at), (tip + back, at - 3.5), (tip + back, at + 3.5)), head)
        for line, text in enumerate(arrow.lines):
            base = y + ROW + 8 + TEXT_LINE * line
            canvas.rect(arrow.left - 1, base - 9.5, measure(text, SMALL, arrow.look) + 2, 12.5, f"lane-{kind}")
            canvas.text(arrow.left, base, text, SMALL, look=arrow.look)


def _kind(name: str, network: Network) -> str:
    return "" if name == str(network.kind) else str(network.kind)


def _facts(network: Network) -> tuple[str, ...]:
    vlan = f"VLAN {network.vlan}" if network.vlan else "untagged"
    return (str(network.cidr), *([str(network.cidr6)] if network.cidr6 else []), f"{vlan}, MTU {network.mtu}")


def _outside(site: Site) -> tuple[tuple[str, ...], ...]:
    """Who is beyond the routers: a name, then addresses."""
    return (
        (str(Outside.ADMINS), *map(str, site.admin_prefixes)),
        *((("office", str(Outside.TENANTS)),) if site.networks_of(Kind.PUBLIC) else ()),
        (str(Outside.TIME_SERVERS), *map(str, site.time.servers)),
        *((("resolvers", *map(str, site.dns.resolvers)),) if site.dns.resolvers else ()),
    )
