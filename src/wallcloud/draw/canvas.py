"""The pen: SVG elements as text, each named by its class."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from wallcloud.draw.metrics import width

SMALL, NORMAL, LARGE, TITLE = 10.5, 11.5, 13.0, 19.0
"""Sizes of text in pixels."""
SPACE = 8.0
Point = tuple[float, float]


class Canvas:
    """What was drawn, in the order of drawing."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = NORMAL,
        *,
        look: str = "",
        more: tuple[str, float] | None = None,
    ) -> None:
        """Writes on the base line `y`, from `x` on; `more`: a text and its size that follow, muted."""
        after = f'<tspan dx="{SPACE:g}" font-size="{more[1]:g}" class="m">{escape(more[0])}</tspan>' if more else ""
        named = f' class="{look}"' if look else ""
        self.elements.append(f'<text x="{x:g}" y="{y:g}" font-size="{size:g}"{named}>{escape(text)}{after}</text>')

    def rect(self, x: float, y: float, wide: float, high: float, look: str, radius: float = 0) -> None:
        """A rectangle from its upper left corner."""
        self.elements.append(
            f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="{radius:g}" class="{look}"/>'
        )

    def line(self, points: Sequence[Point], look: str) -> None:
        """A line through points."""
        way = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.elements.append(f'<polyline points="{way}" class="{look}"/>')

    def polygon(self, points: Sequence[Point], look: str) -> None:
        """A filled shape."""
        way = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.elements.append(f'<polygon points="{way}" class="{look}"/>')

    def dot(self, x: float, y: float, look: str, radius: float = 3.5) -> None:
        """A small filled circle."""
        self.elements.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" class="{look}"/>')


def measure(text: str, size: float, look: str = "") -> float:
    """The width that a text in a look may take, in pixels."""
    bold = any(each == "b" or each.startswith("name-") or each == "exception-text" for each in look.split())
    return width(text, size, bold=bold)
