"""A plan or an apply with its progress shown: what `plan`, `apply`, `restore` and `rotate` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wallcloud.build.cache import Cache
from wallcloud.cli.face import err
from wallcloud.cli.reporter import reporter
from wallcloud.deploy.prepare import release_of, state_of
from wallcloud.deploy.run import Run, Summary, run
from wallcloud.site.load import Loaded

if TYPE_CHECKING:
    from wallcloud.deploy.seeding import Seeding


def converge(
    loaded: Loaded,
    nodes: tuple[str, ...],
    *,
    apply: bool,
    as_json: bool = False,
    try_wires: bool = True,
    seeding: Seeding | None = None,
) -> Summary:
    """A plan or an apply, with its progress shown; see Run. Raises WallcloudError."""
    state = state_of(loaded)
    state.make()
    release = release_of(loaded, needed=True)
    console = err()
    with reporter(console, nodes, apply=apply, as_json=as_json) as face:
        work = Run(loaded, state, Cache(), release, face, apply=apply, try_wires=try_wires, seeding=seeding)
        return run(
            work,
            work.run(nodes),
            lambda: console.print("stopping after the resources in hand; Ctrl-C again ends at once", style="bold"),
        )
