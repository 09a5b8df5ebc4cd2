"""`python -m bench.scale`: how the deployer grows with the nodes, and Ansible and pyinfra beside it. A part of
`make bench`; alone it writes its own part of docs/benchmarks.md only.

Sites of up to 10,000 nodes are compiled; up to 100 simulated nodes (`bench.fleet`) are planned by the real deployer
(`bench.deployer`) over real SSH; the other tools do the same on up to 20 of them, in turn with Wallcloud, so that all
have the machine's good and bad moments. Before anything counts, one file is changed by hand: every tool must say so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import compiling, deployer, measured, others, page
from bench.deployer import Planned
from bench.fleet import FILES, Fleet
from bench.sites import SMALLEST, big
from wallcloud.frozen import frozen
from wallcloud.site.load import load_text

PLANS = {1: 5, 5: 5, 20: 5, 100: 3}
BESIDE = {1: 3, 5: 3, 20: 1}
"""Targets → runs of which the median counts. Ansible takes minutes for one of five targets, ten for one of twenty."""


@frozen
class Ran:
    """A run of a tool: what it took here, CPU seconds of the targets, and for Wallcloud what it told of itself."""

    used: measured.Usage
    targets_cpu: float
    planned: Planned | None = None


class Tools:
    """Every tool at the simulated nodes."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        self._folder = folder
        self._fleet = fleet
        ansible, pyinfra = others.Ansible(folder / "ansible", fleet), others.Pyinfra(folder / "pyinfra", fleet)
        self._run: dict[str, Callable[[int], tuple[measured.Usage, int, Planned | None]]] = {
            "Wallcloud": self._wallcloud,
            "pyinfra": lambda count: (*pyinfra.run(count), None),
            "Ansible": lambda count: (*ansible.run(count), None),
        }

    def run(self, tool: str, count: int, changes: int = 0) -> Ran:
        """One run at the first `count` nodes. Raises SystemExit where it says another number of changes."""
        before = self._fleet.cpu()
        used, changed, planned = self._run[tool](count)
        if changed != changes:
            sys.exit(f"bench: {tool} found {changed} changes, not {changes}\n{used.output[-3000:]}")
        ran = Ran(used, self._fleet.cpu() - before, planned)
        print(f"{used.seconds:7.2f} s  {tool}, {count} targets, {changed} changes", flush=True)
        return ran

    def prove(self) -> None:
        """Every tool finds a file that was changed by hand; those that mend, mend it. It also fills their caches."""
        node = self._fleet.nodes[0]
        for tool in self._run:
            self._fleet.spoil(node)
            self.run(tool, 1, changes=1)
            if tool == "Wallcloud":  # a plan changes nothing
                self._fleet.mend(node)
            elif not self._fleet.whole(node):
                sys.exit(f"bench: {tool} did not mend the file")

    def _wallcloud(self, count: int) -> tuple[measured.Usage, int, Planned]:
        site = self._folder / str(count) / "site.yaml"
        site.parent.mkdir(exist_ok=True)
        site.write_text(_site(count, self._fleet))
        argv = (sys.executable, "-m", "bench.deployer", str(site), str(count))
        used = measured.run(argv, cwd=page.ROOT)
        told = Planned(**json.loads(used.output.splitlines()[-1]))
        if not told.ok or told.unchanged + told.planned != count * deployer.RESOURCES:
            sys.exit(f"bench: the plan is not whole\n{used.output[-3000:]}")
        return used, told.planned, told


def _site(count: int, fleet: Fleet) -> str:
    content = big(max(count, SMALLEST))
    before = next(line for line in content.splitlines() if line.startswith("ssh:"))
    return content.replace(before, f"ssh: {{user: root, port: {fleet.port}, config: {fleet.ssh_config}}}")


def _median(runs: list[Ran], what: Callable[[Ran], float]) -> float:
    return statistics.median(what(ran) for ran in runs)


def _own(ran: Ran) -> Planned:
    assert ran.planned is not None  # noqa: S101 - it is a run of Wallcloud
    return ran.planned


def plans(tools: Tools, rounds: dict[int, int]) -> str:
    """Plans by the number of nodes, and how they grow."""
    rows, found = [], dict[int, tuple[float, float]]()
    for count, times in rounds.items():
        tools.run("Wallcloud", count)  # keeps the nodes' facts, as any plan but a site's first finds them
        runs = [tools.run("Wallcloud", count) for _ in range(times)]
        cpu, peak = _median(runs, lambda ran: _own(ran).cpu), _median(runs, lambda ran: _own(ran).peak_mib)
        found[count] = cpu, peak
        rows.append(
            (
                str(count),
                f"{_median(runs, lambda ran: ran.used.seconds):.2f} s",
                f"{cpu:.2f} s",
                f"{peak:.0f} MiB",
                f"{_median(runs, lambda ran: _own(ran).ssh_cpu):.2f} s",
                f"{_median(runs, lambda ran: _own(ran).ssh_mib):.0f} MiB",
                f"{_median(runs, lambda ran: ran.targets_cpu):.2f} s",
                str(times),
            )
        )
    head = ("nodes", "plan", "deployer: CPU", "peak memory", "its `ssh`: CPU", "memory", "nodes: CPU", "runs")
    steps = [f"{_growth(found, *pair)}" for pair in zip(list(found), list(found)[1:], strict=False)]
    return page.table(head, rows) + f"\nEach node more costs the deployer {'; '.join(steps)}.\n"


def _growth(found: dict[int, tuple[float, float]], fewer: int, more: int) -> str:
    nodes = more - fewer
    cpu, peak = (after - before for before, after in zip(found[fewer], found[more], strict=True))
    return f"{1000 * cpu / nodes:.0f} ms of CPU and {peak / nodes:.1f} MiB from {fewer} to {more} nodes"


def beside(tools: Tools, rounds: dict[int, int]) -> str:
    """Wallcloud, pyinfra and Ansible by the number of targets."""
    rows = []
    for count, times in rounds.items():
        tools.run("Wallcloud", count)
        runs: dict[str, list[Ran]] = {"Wallcloud": [], "pyinfra": [], "Ansible": []}
        for _ in range(times):
            for tool, each in runs.items():
                each.append(tools.run(tool, count))
        ours = _median(runs["Wallcloud"], lambda ran: ran.used.seconds)
        for tool, each in runs.items():
            seconds = _median(each, lambda ran: ran.used.seconds)
            rows.append(
                (
                    str(count),
                    tool,
                    f"{seconds:.2f} s",
                    f"{seconds / ours:.1f}",
                    f"{_median(each, lambda ran: ran.used.cpu):.2f} s",
                    f"{_median(each, lambda ran: ran.used.peak_mib):.0f} MiB",
                    f"{_median(each, lambda ran: ran.targets_cpu):.2f} s",
                    str(times),
                )
            )
    head = ("targets", "tool", "time", "× Wallcloud", "CPU here", "largest process", "CPU of the targets", "runs")
    return page.table(head, rows)


def measure(*, quick: bool = False) -> None:
    """Measures everything and writes the page's part. `quick`: one run of each, and Ansible at one and five targets."""
    others.install()
    speeds = [page.speed()]
    compiled = compiling.table()
    plan_rounds = dict.fromkeys(PLANS, 1) if quick else PLANS
    beside_rounds = {1: 1, 5: 1} if quick else BESIDE
    most = max(*plan_rounds, *beside_rounds)
    nodes = tuple(load_text(big(most).encode(), Path("site.yaml")).site.nodes)
    with tempfile.TemporaryDirectory(prefix="wallcloud-bench-") as name, Fleet(Path(name), nodes) as fleet:
        tools = Tools(Path(name), fleet)
        tools.prove()
        planned = plans(tools, plan_rounds)
        compared = beside(tools, beside_rounds)
    speeds.append(page.speed())
    page.write("Scale", _text(compiled, planned, compared, speeds))


def _text(compiled: str, planned: str, compared: str, speeds: list[float]) -> str:
    versions = others.versions()
    ansible, pyinfra = f"ansible-core {versions['ansible-core']}", f"pyinfra {versions['pyinfra']}"
    return f"""\
The machine's own speed, ten million additions: {speeds[0]:.2f} s before, {speeds[1]:.2f} s after. Medians.

### Compile

The article's site with more computes, each size in a process of its own.

{compiled}
### Plan

Simulated nodes on this machine: real SSH sessions through one sshd on loopback, the real deployer, the real converge,
{deployer.RESOURCES} resources each (a folder and {FILES} files, all as they shall be); one node is `--node` at the
article's site. The times hold the command's start and compiling the site. Deployer and nodes share the same cores, so
many nodes take as long as their own CPU and that of as many `ssh`; on a real site nodes work side by side, elsewhere.
The memory of all `ssh` is PSS while every session is open.

{planned}
### Beside Ansible and pyinfra

The same {FILES} files (content, owner and mode) on the same targets, nothing to change, and each tool said so; before
that each found one file that was changed by hand. Wallcloud plans. {ansible} runs {FILES} plain `copy` tasks with
pipelining, as many forks as targets, ControlPersist, and without gathering facts. {pyinfra} runs {FILES} `files.put`.
Every run makes its own connections. CPU here counts `ssh`; the targets' is that of their sessions. Most of pyinfra's
time is waiting: paramiko leaves Nagle's algorithm on, and some 360 of its writes to a target wait 40 ms each for a
delayed acknowledgement (seen with strace). Its CPU shows the work without that.

{compared}"""


def main() -> None:
    """Measures and writes this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each, and the other tools at 1 and 5 targets")
    measure(quick=parser.parse_args().quick)


if __name__ == "__main__":
    main()
