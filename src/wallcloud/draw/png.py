"""A picture as PNG, the same everywhere: its font comes with Wallcloud's environment, none of the system is used."""

from importlib.resources import files

import resvg_py

FAMILY = "Source Sans Pro"


def png(svg: str, *, zoom: float = 2.0) -> bytes:
    """Renders an SVG of theme LIGHT or DARK (the renderer knows no variables), `zoom` pixels to each of its own."""
    folder = files("font_source_sans_pro") / "files"
    fonts = [str(folder / f"SourceSansPro-{weight}.ttf") for weight in ("Regular", "Bold")]
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, zoom=zoom, font_files=fonts, skip_system_fonts=True, sans_serif_family=FAMILY
        )
    )
