"""Tables as plain text: columns as wide as they must be, the last one wrapped to the terminal's width."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

import click

_GAP = "  "
_LEAST = 24
"""A last column narrower than this begins on a line of its own: one word a line helps nobody."""
_INDENT = "    "


def width() -> int | None:
    """Characters of the terminal that answers go to; None where a file or pipe takes them, which has no width."""
    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else None


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], limit: int | None) -> str:
    """`columns` are headings. Cells of all but the last column stay whole; the last is wrapped below itself."""
    every = [tuple(columns), *(tuple(row) for row in rows)]
    sizes = [max(len(row[index]) for row in every) for index in range(len(columns) - 1)]
    lines = [line for row in every for line in _row(row, sizes, limit)]
    lines[0] = click.style(lines[0], bold=True)
    return "\n".join(lines)


def _row(row: tuple[str, ...], sizes: Sequence[int], limit: int | None) -> list[str]:
    before = "".join(f"{cell:<{size}}{_GAP}" for cell, size in zip(row[:-1], sizes, strict=True))
    return [line.rstrip() for line in hang(before, row[-1], limit)]


def hang(before: str, text: str, limit: int | None) -> list[str]:
    """`before` and `text` in lines of at most `limit`; what follows the first line stands below `text`."""
    room = None if limit is None else limit - len(before)
    if limit is None or room is None or len(text) <= room:
        return [before + text]
    if room < _LEAST:
        return [before, *(_INDENT + line for line in _wrapped(text, limit - len(_INDENT)))]
    first, *others = _wrapped(text, room)
    return [before + first, *(" " * len(before) + line for line in others)]


def _wrapped(text: str, size: int) -> list[str]:
    return textwrap.wrap(text, size, break_on_hyphens=False, break_long_words=False)
