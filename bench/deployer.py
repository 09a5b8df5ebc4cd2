"""One plan of simulated nodes, as `wallcloud plan` does it: `python -m bench.deployer SITE NODES`, as JSON.

The deployer, the sessions and what runs on the nodes are the real ones, and the site is compiled as ever; only what the
nodes shall be are the files of the simulation instead of a cloud.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench import fleet
from wallcloud.build.cache import Cache
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.place import Release
from wallcloud.cli.face import err
from wallcloud.cli.reporter import reporter
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.run import Reporter, Run, run
from wallcloud.deploy.session import Event
from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, File
from wallcloud.node.spec import Spec
from wallcloud.site.load import load


@frozen
class Planned:
    """What the nodes said, summed, and what it took: CPU in seconds, memory in MiB."""

    ok: bool
    unchanged: int
    planned: int
    cpu: float
    ssh_cpu: float
    peak_mib: float
    ssh_mib: float
    """Of all `ssh` together while every session is open (PSS: shared pages are counted once)."""


RESOURCES = fleet.FILES + 1
"""Of a node: its folder and the files."""


class Simulated(Run):
    """A run whose nodes shall have the simulation's files."""

    def _compile(self, facts: Mapping[str, NodeFacts]) -> Design:
        design = super()._compile(facts)
        return replace(design, specs={node: spec(node, design.site.release) for node in design.specs})


def spec(node: str, release: str) -> Spec:
    """The files of a simulated node, one after the other."""
    folder = f"{fleet.THERE}/{node}"
    own: tuple[Resource, ...] = (Directory(path=folder, component="bench", reason="holds the files"),)
    files = (
        File(path=f"{folder}/{name}", content=fleet.content(name), component="bench", reason="is compared")
        for name in fleet.names()
    )
    return Spec(node, release, (*own, *files))


class Watch:
    """Passes everything on to the command's own reporter; looks at the `ssh` when the last node has told its facts."""

    def __init__(self, inner: Reporter, nodes: int) -> None:
        self._inner = inner
        self._missing = nodes
        self.ssh_mib = 0.0
        self.looked = 0.0
        """CPU seconds that this looking took, which are not the deployer's."""

    def event(self, node: str, event: Event) -> None:
        self._inner.event(node, event)
        self._missing -= event["event"] == "facts"
        if event["event"] == "facts" and not self._missing:
            began = time.process_time()
            self.ssh_mib = _children_mib()
            self.looked = time.process_time() - began


def _children_mib() -> float:
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    rows = (row for pid in pids for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return sum(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024


def plan(site: Path, count: int) -> Planned:
    """Plans the first `count` nodes of `site`. Raises WallcloudError."""
    loaded = load(site)
    nodes = tuple(loaded.site.nodes)[:count]
    state = state_of(loaded)
    state.make()
    release = Release(loaded.site.release, "0" * 64, "1" * 64)
    with reporter(err(), nodes, apply=False, as_json=False) as face:
        watch = Watch(face, count)
        work = Simulated(loaded, state, Cache(), release, watch, apply=False)
        summary = run(work, work.run(nodes), lambda: None)
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    for outcome in summary.outcomes:
        if outcome.status != "ok":
            print(f"{outcome.node}: {outcome.status}: {outcome.why}", file=sys.stderr)
    return Planned(
        ok=summary.ok,
        unchanged=sum(outcome.unchanged for outcome in summary.outcomes),
        planned=summary.planned,
        cpu=own.ru_utime + own.ru_stime - watch.looked,
        ssh_cpu=children.ru_utime + children.ru_stime,
        peak_mib=own.ru_maxrss / 1024,
        ssh_mib=watch.ssh_mib,
    )


if __name__ == "__main__":
    print(json.dumps(vars(plan(Path(sys.argv[1]), int(sys.argv[2])))))
