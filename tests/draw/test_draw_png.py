"""The PNG: its font comes with it."""

import struct
import subprocess
import sys

from tests.design.world import designed

from wallcloud.draw import Theme, svg
from wallcloud.draw.png import png

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20">'
TEXT = HEAD + '<text y="15" font-family="sans-serif">{}</text></svg>'


def test_a_picture() -> None:
    data = png(svg(designed(), theme=Theme.DARK))
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high = struct.unpack(">II", data[16:24])
    assert wide > high > 1000


def test_text_is_rendered_without_the_systems_fonts() -> None:
    empty = png(TEXT.format(""))
    assert png(TEXT.format("a")) != empty
    for each in "“”…":
        assert png(TEXT.format(each)) != empty, each


def test_other_verbs_do_not_load_it() -> None:
    code = "import sys, wallcloud.cli.draw_verb; sys.exit('resvg_py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
