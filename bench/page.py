"""docs/benchmarks.md: parts under headings of their own; who measures one part leaves the others as they stand."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from wallcloud.frozen import frozen

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/benchmarks.md"
PARTS = ("From nothing", "One cloud", "Scale")
"""The parts in the order of the page."""
_HEAD = "# Benchmarks\n\nWritten by `make bench`. Each part says when and on what it was measured.\n"


@frozen
class Row:
    """One line of a table of three columns."""

    what: str
    value: str
    how: str


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, with a line's end behind it."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("| --- ", "|---").replace("--- |", "---|")


def rows_table(rows: Iterable[Row]) -> str:
    """The table of `rows`."""
    return table(("what", "value", "how"), ((row.what, row.value, row.how) for row in rows))


def replaced(page: str, part: str, body: str) -> str:
    """`page` with `body` under the heading of `part`, one of PARTS; other parts stay, whatever else there was goes."""
    pieces = re.split(r"(?m)^## (.+)\n", page)
    kept = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    kept[part] = body
    texts = [f"## {name}\n\n{kept[name].strip()}\n" for name in PARTS if name in kept]
    return "\n".join((_HEAD, *texts))


def write(part: str, body: str) -> None:
    """Puts `body` into the page under the heading of `part`, with the day and the machine before it."""
    when = time.strftime("%Y-%m-%d", time.gmtime())
    load = f"Load average at the end, this bench included: {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores."
    text = f"Measured on {when}: {machine()}.\n{load}\n\n{body}"
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), part, text), encoding="utf-8")
    print(text)


def median(what: str, times: Sequence[float], digits: int, how: str = "") -> Row:
    """The row of several runs that took `times` (s)."""
    told = f"{how}median of {len(times)}, slowest {max(times):.{digits}f} s"
    return Row(what, f"{statistics.median(times):.{digits}f} s", told)


def speed() -> float:
    """Seconds that ten million additions in Python take with every core busy: a virtual machine is not always as fast,
    so pages are compared only with that in mind."""
    loop = "s = 0\nfor i in range(10_000_000): s += i"
    began = time.perf_counter()
    running = [subprocess.Popen([sys.executable, "-I", "-c", loop]) for _ in range(os.cpu_count() or 1)]
    ended = [each.wait() for each in running]
    if any(ended):
        sys.exit("bench: a loop in Python failed")
    return time.perf_counter() - began


def machine() -> str:
    """What the numbers were measured on."""
    memory_kib = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])
    memory_gib = memory_kib / 1024**2
    return (
        f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"
    )
