"""What stands on the lanes: each node in a box, or many that are alike in one."""

from collections.abc import Mapping
from math import ceil, sqrt

from wallcloud.design.compile import Design
from wallcloud.draw.canvas import LARGE, NORMAL, SMALL, Canvas, measure
from wallcloud.frozen import frozen

PAD, LINE, CELL_LINE = 10.0, 15.0, 13.0
LEG, LEG_TEXT = 9.0, 7.0
"""Between two legs, and from a leg to its text."""
ALIKE = 3
"""So many nodes that are alike share a box."""


@frozen
class Box:
    """One node, or several that differ in name and address only."""

    nodes: tuple[str, ...]
    title: str
    roles: str
    components: tuple[str, ...]
    """Those that not every node has."""
    devices: Mapping[str, str]
    """Network → device, in the order of the lanes."""
    ends: Mapping[str, tuple[str, ...]]
    """Network → what is written at the leg."""
    cells: tuple[tuple[str, ...], ...]
    """Of several: each one's name and addresses."""
    wide: float
    high: float

    @property
    def columns(self) -> int:
        """Of cells."""
        return max(1, round(sqrt(len(self.cells) * 1.5)))

    @property
    def cell(self) -> float:
        """Width of a cell."""
        return max(
            (measure(t, SMALL, "" if at else "b") for cell in self.cells for at, t in enumerate(cell)), default=0
        )

    def leg(self, network: str) -> float:
        """How far right of the box's left edge a leg goes down. The uppermost lane's is the rightmost: so no leg
        crosses what is written right of another."""
        return PAD + 2 + LEG * (len(self.devices) - 1 - list(self.devices).index(network))


def shared(design: Design) -> tuple[str, ...]:
    """The components that every node has."""
    nodes = list(design.site.nodes)
    return tuple(each for each in design.components_of(nodes[0]) if all(n in design.placed[each] for n in nodes))


def boxes(design: Design) -> tuple[Box, ...]:
    """Every node in one box, in the order of the site."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for name, node in design.site.nodes.items():
        key = (node.roles, tuple(node.interfaces.items()), design.components_of(name))
        alike.setdefault(key, []).append(name)
    groups = [
        group
        for nodes in alike.values()
        for group in ([tuple(nodes)] if len(nodes) >= ALIKE else [(node,) for node in nodes])
    ]
    order = list(design.site.nodes)
    return tuple(_box(design, nodes) for nodes in sorted(groups, key=lambda nodes: order.index(nodes[0])))


def _box(design: Design, nodes: tuple[str, ...]) -> Box:
    site, first = design.site, nodes[0]
    everywhere = shared(design)
    devices = {
        name: network.device(site.nodes[first].interfaces[name])
        for name, network in site.networks.items()
        if name in site.nodes[first].interfaces
    }
    several = len(nodes) > 1
    ends = {network: _end(design, nodes, network, device) for network, device in devices.items()}
    cells = tuple(
        (node, *(str(address) for network in devices if (address := design.plan.address(node, network))))
        for node in nodes
        if several
    )
    roles = " + ".join(str(role) for role in site.nodes[first].roles)
    components = tuple(each for each in design.components_of(first) if each not in everywhere)
    title = f"{len(nodes)} nodes alike" if several else first
    bare = Box(nodes, title, roles, components, devices, ends, cells, 0, 0)
    rows = ceil(len(cells) / bare.columns)
    cells_wide = bare.columns * (bare.cell + PAD) - PAD if several else 0
    listed = max((measure(each, NORMAL) for each in components), default=0)
    wide = max(
        measure(title, LARGE, "b"),
        measure(roles, NORMAL),
        listed,
        cells_wide,
        *(bare.leg(n) - PAD + LEG_TEXT + measure(text, SMALL) for n, texts in ends.items() for text in texts),
    )
    across = listed_columns(wide, components)
    high = 48 + LINE * ceil(len(components) / across) + rows * _cell_high(cells)
    return Box(
        nodes, title, roles, components, devices, ends, cells, ceil(wide + 2 * PAD), high + (14 if several else 6)
    )


def _end(design: Design, nodes: tuple[str, ...], network: str, device: str) -> tuple[str, ...]:
    if not design.site.networks[network].kind.addressed:
        return (device, "bridge")
    if len(nodes) > 1:
        return (device, f"{len(nodes)} addresses")
    return (device, str(design.plan.address(nodes[0], network) or "no address"))


def listed_columns(wide: float, components: tuple[str, ...]) -> int:
    """In how many columns names fit side by side."""
    listed = max((measure(each, NORMAL) for each in components), default=1)
    return max(1, int((wide + PAD) // (listed + PAD)))


def _cell_high(cells: tuple[tuple[str, ...], ...]) -> float:
    return CELL_LINE * max((len(cell) for cell in cells), default=0) + 8


def draw_box(canvas: Canvas, box: Box, x: float, y: float, high: float) -> None:
    """Draws a box from its upper left corner, as high as all are."""
    canvas.rect(x, y, box.wide, high, "box", 6)
    canvas.text(x + PAD, y + 19, box.title, LARGE, look="b")
    canvas.text(x + PAD, y + 34, box.roles, NORMAL, look="m")
    inner = box.wide - 2 * PAD
    across = listed_columns(inner, box.components)
    down = ceil(len(box.components) / across)
    for at, name in enumerate(box.components):
        column, row = divmod(at, down)
        canvas.text(x + PAD + column * inner / across, y + 56 + LINE * row, name)
    top = y + 56 + LINE * down + 6
    for at, cell in enumerate(box.cells):
        row, column = divmod(at, box.columns)
        for line, text in enumerate(cell):
            canvas.text(
                x + PAD + column * (box.cell + PAD),
                top + row * _cell_high(box.cells) + line * CELL_LINE,
                text,
                SMALL,
                look="m" if line else "b",
            )
