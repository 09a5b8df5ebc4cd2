"""Slips in the letters of a valid site's file: most of them leave no YAML."""

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import strategies as st
from tests.site.trees import SHORT

Slip: TypeAlias = Callable[[st.DrawFn, str], str]

PIECES = st.sampled_from(
    [
        *("\t", "\n", "\r", "\r\n", " ", "  ", "\n\n", "\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff"),
        *(":", ": ", "- ", "? ", ",", "[", "]", "{", "}", "#", " #", "&a ", "*a", "!", "!!int ", "|", ">", "'", '"'),
        *("%", "@", "`", "---\n", "...\n", "%YAML 1.1\n", "<<: ", "\\", "=", "~", "\u202e", "\u00e9", "\U0001f600"),
    ]
)


def _place(draw: st.DrawFn, text: str) -> int:
    return draw(st.integers(0, len(text)))


def _lines(draw: st.DrawFn, text: str, change: Callable[[list[str], int], object]) -> str:
    """`change` gets the lines, and the number of one of them."""
    lines = text.splitlines(True) or [""]
    change(lines, draw(st.integers(0, len(lines) - 1)))
    return "".join(lines)


def end_lost(draw: st.DrawFn, text: str) -> str:
    return text[: _place(draw, text)]


def beginning_lost(draw: st.DrawFn, text: str) -> str:
    return text[_place(draw, text) :]


def piece_inserted(draw: st.DrawFn, text: str) -> str:
    place = _place(draw, text)
    return text[:place] + draw(PIECES | st.text(max_size=4)) + text[place:]


def piece_removed(draw: st.DrawFn, text: str) -> str:
    place = _place(draw, text)
    return text[:place] + text[place + draw(st.integers(1, 12)) :]


def piece_overwritten(draw: st.DrawFn, text: str) -> str:
    place, piece = _place(draw, text), draw(PIECES)
    return text[:place] + piece + text[place + len(piece) :]


def line_shifted(draw: st.DrawFn, text: str) -> str:
    def change(lines: list[str], index: int) -> None:
        by = draw(st.sampled_from([" ", "  ", "   ", "\t", " \t", ""]))
        lines[index] = by + (lines[index] if by else lines[index].lstrip(" "))

    return _lines(draw, text, change)


def lines_swapped(draw: st.DrawFn, text: str) -> str:
    def change(lines: list[str], index: int) -> None:
        other = draw(st.integers(0, len(lines) - 1))
        lines[index], lines[other] = lines[other], lines[index]

    return _lines(draw, text, change)


def line_twice(draw: st.DrawFn, text: str) -> str:
    return _lines(draw, text, lambda lines, index: lines.insert(draw(st.integers(0, len(lines))), lines[index]))


def line_lost(draw: st.DrawFn, text: str) -> str:
    return _lines(draw, text, lambda lines, index: lines.pop(index))


def lines_joined(draw: st.DrawFn, text: str) -> str:
    def change(lines: list[str], index: int) -> None:
        lines[index] = lines[index].rstrip("\n")

    return _lines(draw, text, change)


SLIPS: tuple[Slip, ...] = (
    *(end_lost, beginning_lost, piece_inserted, piece_removed, piece_overwritten),
    *(line_shifted, lines_swapped, line_twice, line_lost, lines_joined),
)


@st.composite
def slipped(draw: st.DrawFn) -> bytes:
    """A site's file with one to three slips in its letters, in UTF-8 or in what is not."""
    text = draw(st.sampled_from(SHORT))
    for slip in draw(st.lists(st.sampled_from(SLIPS), min_size=1, max_size=3)):
        text = slip(draw, text)
    how = draw(st.sampled_from([*[_utf8] * 17, _stray_bytes, _utf16, _latin1]))
    return how(draw, text)


def _utf8(_: st.DrawFn, text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _stray_bytes(draw: st.DrawFn, text: str) -> bytes:
    data = _utf8(draw, text)
    place = draw(st.integers(0, len(data)))
    return (
        data[:place]
        + draw(st.sampled_from([b"\x80", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80"]))
        + data[place:]
    )


def _utf16(_: st.DrawFn, text: str) -> bytes:
    return text.encode("utf-16", "surrogatepass")


def _latin1(_: st.DrawFn, text: str) -> bytes:
    return text.replace("cloud", "w\u00f6lke").encode("latin-1", "replace")
