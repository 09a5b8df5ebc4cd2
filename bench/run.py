"""`make bench`: what Wallcloud costs on this computer, as medians, written to docs/benchmarks.md.

Makes a lab of its own (site `bench`, prefixes of 198.19.0.0/16) and takes it down again. `--cold` also measures from an
empty cache, which downloads everything anew. Then many nodes, beside Ansible and pyinfra: see `bench.scale`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import page, scale
from bench.page import ROOT, Row, median, speed
from wallcloud.site.load import load_text
from wallcloud.site.template import text

REPEATS, WARM = 5, 3
"""Runs of which the median counts: of what takes seconds, of what takes minutes."""
DEVSTACK = {
    "token": {"1": 31.0, "8": 55.0},
    "server list": {"1": 23.0, "8": 42.0},
    "port create+delete": {"1": 2.0, "8": 2.7},
}
"""Measured on a machine like this one (issue 3); one node without servers, no TLS, bcrypt with four rounds."""

# PSS of every process of each wallcloud unit, in KiB (proc(5), smaps_rollup): shared pages are counted once.
_PSS = r"""
for unit in $(systemctl list-units --plain --no-legend 'wallcloud-*' sshd.service ssh.service | awk '{print $1}'); do
    group=$(systemctl show -p ControlGroup --value "$unit")
    [ -n "$group" ] || continue  # a oneshot that is done has no process
    pids=$(grep -lsE ":$group(/|\$)" /proc/[0-9]*/cgroup | cut -d/ -f3)
    [ -n "$pids" ] || continue
    sum=$(for pid in $pids; do cat /proc/$pid/smaps_rollup 2>/dev/null; done | awk '/^Pss:/ {s += $2} END {print s+0}')
    echo "$unit $sum"
done
"""


def timed(argv: Sequence[str], what: str, env: dict[str, str] | None = None) -> float:
    """Runs a program; seconds it took. Raises SystemExit with its output where it fails."""
    began = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    seconds = time.monotonic() - began
    if done.returncode:
        sys.exit(f"bench: {shlex.join(argv)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"{seconds:7.2f} s  {what}", flush=True)
    return seconds


class Bench:
    """A site of the bench's own in a scratch folder, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site.yaml"
        content = text("article").replace("name: article", "name: bench").replace("198.18.", "198.19.")
        self.site.write_text(content, encoding="utf-8")

    def wallcloud(self, *words: str) -> float:
        """Runs a verb; seconds it took. Raises SystemExit with its output where it fails."""
        argv = [str(ROOT / "wallcloud"), *words]
        if words[0] != "schema":
            at = 2 if words[0] == "lab" else 1
            argv[1 + at : 1 + at] = ["--site", str(self.site)]
        return timed(argv, " ".join(words))

    def again(self, count: int, *words: str) -> list[float]:
        """Seconds of so many runs."""
        return [self.wallcloud(*words) for _ in range(count)]

    def load(self) -> dict[str, dict[str, float]]:
        """Requests per second at the management door, from the admin workstation, beside two guests."""
        secrets = json.loads((self.folder / ".wallcloud/secrets.json").read_text(encoding="utf-8"))
        domain = load_text(self.site.read_bytes(), self.site).site.domain
        told = {
            "url": f"https://control.internal.{domain}",
            "ca": (self.folder / ".wallcloud/ca/cert.pem").read_text(encoding="utf-8"),
            "user": "admin",
            "password": secrets["identity-admin"],
            "project": "admin",
            "seconds": 10,
            "clients": [1, 8],
            "network": "flat-a",
            "image": "wallcloud-guest",
            "flavor": "tiny",
            "guests": 2,
        }
        program = (ROOT / "bench/load.py").read_text(encoding="utf-8")
        argv = [str(ROOT / "wallcloud"), "lab", "exec", "--site", str(self.site), "admin", "--"]
        argv += ["/usr/bin/python3", "-I", "-c", program]
        done = subprocess.run(argv, input=json.dumps(told), capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench: the load ended with {done.returncode}\n{done.stdout}{done.stderr}")
        found: dict[str, dict[str, float]] = json.loads(done.stdout)
        print(found, flush=True)
        return found

    def whole(self, node: str) -> int:
        """MiB of PSS of every process of a node."""
        config = self.folder / ".wallcloud/lab/ssh_config"
        script = "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ {s += $2} END {print s + 0}'"
        output = subprocess.run(
            ["ssh", "-F", str(config), node, script], capture_output=True, text=True, check=True
        ).stdout
        return round(int(output) / 1024)

    def memory(self, node: str) -> dict[str, int]:
        """MiB of PSS by unit."""
        config = self.folder / ".wallcloud/lab/ssh_config"
        argv = ["ssh", "-F", str(config), node, _PSS]
        output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        pairs = (line.split() for line in output.splitlines())
        return {unit: round(int(kib) / 1024) for unit, kib in pairs if int(kib) >= 1024}


def thread(bench: Bench) -> list[Row]:
    """From empty machines to a verified cloud, and what a second run costs."""
    rows: list[Row] = []
    bench.wallcloud("lab", "up")
    ups, applies, wholes = [], [], []
    for _ in range(WARM):
        bench.wallcloud("lab", "down")
        ups.append(bench.wallcloud("lab", "up"))
        applies.append(bench.wallcloud("apply"))
        wholes.append(ups[-1] + applies[-1] + bench.wallcloud("verify", "--part", "doors"))
    rows += [
        median("warm: empty machines → all services answer", wholes, 1, "lab up + apply + verify --part doors; "),
        median("lab up, five machines", ups, 1, "roots cached; "),
        median("first apply, five nodes", applies, 1, "artifacts cached; "),
    ]
    for what, digits, count, words in (
        ("plan, nothing to do, five nodes", 2, REPEATS, ("plan",)),
        ("apply, nothing to do, five nodes", 2, REPEATS, ("apply",)),
        ("verify, doors", 2, REPEATS, ("verify", "--part", "doors")),
        ("verify, tenants", 0, WARM, ("verify", "--part", "tenants")),
    ):
        rows.append(median(what, bench.again(count, *words), digits))
    return rows


def requests(bench: Bench) -> list[Row]:
    """Requests per second, beside what DevStack does on such a machine (one node, no TLS)."""
    return [
        Row(f"{what}, {clients} client{'s' if clients != '1' else ''}", f"{rate:.1f}/s", _beside(what, clients, rate))
        for what, each in bench.load().items()
        for clients, rate in each.items()
    ]


def _beside(what: str, clients: str, rate: float) -> str:
    theirs = DEVSTACK.get(what, {}).get(clients)
    return f"DevStack {theirs:g}/s; ratio {rate / theirs:.2f}" if theirs else "HTTPS at the management door"


def memory(bench: Bench) -> list[Row]:
    """PSS of the whole lab, and by component."""
    nodes = ("control", "api", "network", "compute1", "compute2")
    whole = {node: bench.whole(node) for node in nodes}
    rows = [
        Row(
            "memory of the whole lab with two guests",
            f"{sum(whole.values())} MiB",
            f"PSS of every process: {', '.join(f'{node} {mib}' for node, mib in whole.items())}; DevStack 4475 MiB",
        )
    ]
    for node in nodes:
        used = bench.memory(node)
        detail = ", ".join(
            f"{unit.removeprefix('wallcloud-').removesuffix('.service')} {mib}" for unit, mib in used.items()
        )
        rows.append(Row(f"memory of {node}'s units", f"{sum(used.values())} MiB", f"PSS: {detail}"))
    return rows


def cold() -> list[Row]:
    """The README's first command in a fresh clone of the last commit, with an empty cache: everything is downloaded,
    resolved and compiled."""
    with tempfile.TemporaryDirectory(prefix="wallcloud-bench-") as name:
        bench = Bench(Path(name))
        env = {**os.environ, "XDG_CACHE_HOME": str(bench.folder / "cache")}
        clone = bench.folder / "clone"
        seconds = timed(["git", "clone", "--quiet", str(ROOT), str(clone)], "git clone")
        try:
            seconds += timed(["make", "-C", str(clone), "lab", f"SITE={bench.site}"], "cold: make lab", env)
        finally:
            bench.wallcloud("lab", "down")
    return [
        Row("cold: fresh clone → verified", f"{seconds:.0f} s", "git clone + make lab, empty cache, downloads included")
    ]


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true", help="also from an empty cache")
    parser.add_argument(
        "--no-scale", action="store_true", help="leave out the part with many nodes, which takes longest"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON as well")
    given = parser.parse_args()
    first = speed()
    nothing = cold() if given.cold else []
    if nothing:
        page.write("From nothing", page.rows_table(nothing))
    with tempfile.TemporaryDirectory(prefix="wallcloud-bench-") as folder:
        bench = Bench(Path(folder))
        bench.wallcloud("build")
        try:
            rows = thread(bench)
            rows += requests(bench)
            rows += memory(bench)
        finally:
            bench.wallcloud("lab", "down")
    rows.append(Row("the machine's own speed", f"{first:.2f} s", f"ten million additions; {speed():.2f} s at the end"))
    page.write("One cloud", page.rows_table(rows))
    if not given.no_scale:
        scale.measure()
    if given.json:
        print(json.dumps([vars(row) for row in (*nothing, *rows)]))


if __name__ == "__main__":
    main()
