"""What reading and compiling a site takes by the number of its nodes: `python -m bench.compiling NODES`, as JSON.

Each size is measured in a process of its own, whose peak memory it is.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from pathlib import Path

from bench import measured, page
from bench.sites import big
from wallcloud.catalog.place import Release
from wallcloud.design.compile import compile_site
from wallcloud.frozen import frozen
from wallcloud.site.load import load_text

RUNS = {5: 5, 100: 5, 1000: 3, 10_000: 1}
"""Nodes → runs of which the median counts."""


@frozen
class Compiled:
    """`read` and `compile` in seconds; `peak_mib` of the process, `start_mib` before it had a site."""

    read: float
    compile: float
    start_mib: float
    peak_mib: float


def once(nodes: int) -> Compiled:
    """In this process."""
    content = big(nodes).encode()
    start = _peak_mib()
    began = time.perf_counter()
    loaded = load_text(content, Path("site.yaml"))
    read = time.perf_counter()
    compile_site(loaded, {}, Release("2026.2", "0" * 64, "1" * 64))
    return Compiled(read - began, time.perf_counter() - read, start, _peak_mib())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(nodes: int, runs: int) -> Compiled:
    """The medians of so many processes."""
    argv = (sys.executable, "-m", "bench.compiling", str(nodes))
    every = [Compiled(**json.loads(measured.run(argv, cwd=page.ROOT).output)) for _ in range(runs)]
    found = Compiled(
        *(statistics.median(column) for column in zip(*(vars(one).values() for one in every), strict=True))
    )
    print(f"{found.read + found.compile:7.2f} s  read and compile {nodes} nodes", flush=True)
    return found


def table() -> str:
    """By the number of nodes: times, memory, and both per node."""
    rows = []
    for nodes, runs in RUNS.items():
        it = measure(nodes, runs)
        rows.append(
            (
                f"{nodes:,}",
                f"{it.read:.2f} s",
                f"{it.compile:.2f} s",
                f"{1000 * (it.read + it.compile) / nodes:.1f} ms",
                f"{it.peak_mib:.0f} MiB",
                f"{1024 * (it.peak_mib - it.start_mib) / nodes:.0f} KiB",
                str(runs),
            )
        )
    head = ("nodes", "read the site", "compile", "both, per node", "peak memory", "of it per node", "runs")
    return page.table(head, rows)


if __name__ == "__main__":
    print(json.dumps(vars(once(int(sys.argv[1])))))
