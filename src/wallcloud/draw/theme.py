"""Colours, light and dark: text has a contrast of 4.5 and more wherever it stands, lines of 3 and more (WCAG 2.1)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from wallcloud.site.model import Kind


class Theme(StrEnum):
    """AUTO follows the page it is embedded in, or what the reader's system prefers."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


PREFIX = "wcd"
"""Begins every id, class and variable of a picture: it may stand in a page of others."""

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "paper": "#ffffff",
        "ink": "#1b2430",
        "muted": "#4a5563",
        "box": "#f3f5f8",
        "edge": "#7d8795",
        "exception": "#b3261e",
        "management": "#dceafc",
        "management-line": "#1f5fae",
        "public": "#fde7d0",
        "public-line": "#a34a06",
        "overlay": "#d8f1e4",
        "overlay-line": "#0c6b45",
        "floating": "#eee0fa",
        "floating-line": "#7434a6",
        "flat": "#f5ecc2",
        "flat-line": "#715900",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "paper": "#0d1117",
        "ink": "#e6edf3",
        "muted": "#adb8c4",
        "box": "#171d26",
        "edge": "#6b7684",
        "exception": "#ff9a92",
        "management": "#112a49",
        "management-line": "#7ab2ff",
        "public": "#42270d",
        "public-line": "#f2a65a",
        "overlay": "#0d3526",
        "overlay-line": "#4fc98f",
        "floating": "#34214a",
        "floating-line": "#cda4f5",
        "flat": "#393108",
        "flat-line": "#e2c452",
    }
)
DASHES: Mapping[str, str] = MappingProxyType(
    {
        Kind.MANAGEMENT: "none",
        Kind.PUBLIC: "9 2",
        Kind.OVERLAY: "5 3",
        Kind.FLOATING: "2 2",
        Kind.FLAT: "9 2 2 2",
    }
)
"""Who cannot tell the colours apart tells the strokes."""
FONTS = "'Source Sans Pro','Segoe UI',Roboto,Helvetica,Arial,'DejaVu Sans',sans-serif"


def style(theme: Theme) -> str:
    """The style sheet of a picture. Only AUTO needs a viewer that knows variables."""
    if theme is Theme.AUTO:
        return _switch() + _rules({name: f"var(--{PREFIX}-{name})" for name in LIGHT})
    return _rules(LIGHT if theme is Theme.LIGHT else DARK)


def _switch() -> str:
    def of(colours: Mapping[str, str]) -> str:
        return "".join(f"--{PREFIX}-{name}:{colour};" for name, colour in colours.items())

    both = "".join(f"--{PREFIX}-{name}:light-dark({LIGHT[name]},{DARK[name]});" for name in LIGHT)
    return "\n".join(
        (
            f".{PREFIX}{{{of(LIGHT)}}}",
            f"@media (prefers-color-scheme:dark){{.{PREFIX}{{{of(DARK)}}}}}",
            # light-dark() follows the page's color-scheme; a file of its own follows the reader's system.
            f":root.{PREFIX}{{color-scheme:light dark}}",
            f"@supports (color:light-dark(#000,#fff)){{.{PREFIX}{{{both}}}}}",
            f":is(.light,[data-theme=light]) .{PREFIX}{{{of(LIGHT)}}}",
            f":is(.dark,[data-theme=dark]) .{PREFIX}{{{of(DARK)}}}",
            "",
        )
    )


def _rules(colour: Mapping[str, str]) -> str:
    rules = [
        f".{PREFIX} text{{font-family:{FONTS};fill:{colour['ink']};stroke:none}}",
        f".{PREFIX} .b{{font-weight:bold}}",
        f".{PREFIX} text.m,.{PREFIX} tspan.m{{fill:{colour['muted']};font-weight:normal}}",
        f".{PREFIX} .paper{{fill:{colour['paper']}}}",
        f".{PREFIX} .box{{fill:{colour['box']};stroke:{colour['edge']};stroke-width:1.2}}",
        f".{PREFIX} .rule{{fill:none;stroke:{colour['edge']};stroke-width:1.2}}",
        f".{PREFIX} .arrow{{fill:none;stroke:{colour['ink']};stroke-width:1.3}}",
        f".{PREFIX} .head{{fill:{colour['ink']}}}",
        f".{PREFIX} .tls{{stroke-dasharray:7 2}}",
        f".{PREFIX} .ssh{{stroke-dasharray:4 3}}",
        f".{PREFIX} .echo{{stroke-dasharray:1.5 3}}",
        f".{PREFIX} .exception{{stroke:{colour['exception']};stroke-width:2;stroke-dasharray:2 3}}",
        f".{PREFIX} .exception-head{{fill:{colour['exception']}}}",
        f".{PREFIX} text.exception-text{{fill:{colour['exception']};font-weight:bold}}",
    ]
    for kind in Kind:
        line = colour[f"{kind}-line"]
        rules += [
            f".{PREFIX} .lane-{kind}{{fill:{colour[kind]}}}",
            f".{PREFIX} .edge-{kind}{{stroke:{line};stroke-width:1.5;fill:none;stroke-dasharray:{DASHES[kind]}}}",
            f".{PREFIX} .dot-{kind}{{fill:{line}}}",
            f".{PREFIX} text.name-{kind}{{fill:{line};font-weight:bold}}",
        ]
    return "\n".join(rules)
