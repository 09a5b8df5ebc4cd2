"""A rotation applied stage by stage, by `rotate` and by an `apply` that finds one unfinished."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from wallcloud.catalog.rotation import Rotation, Stage
from wallcloud.cli.converge_verbs import converge
from wallcloud.cli.face import err
from wallcloud.deploy import rotation
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.run import Summary
from wallcloud.site.load import Loaded

SAYS = {
    Stage.MAKE: "new accounts and passwords are made beside the old ones",
    Stage.USE: "everybody moves to the new ones",
    Stage.END: "the old ones go",
}


def stages(loaded: Loaded, *, as_json: bool) -> Iterator[Summary]:
    """Applies the stage that is written down and all that come after it, on every node, under the state's lock.

    What is not well ends it: the next apply or rotate goes on from there. Raises WallcloudError.
    """
    state = state_of(loaded)
    now = rotation.load(state)
    while now.stage is not None:
        if as_json:
            click.echo(json.dumps({"event": "stage", "stage": now.stage, "says": SAYS[now.stage]}))
        else:
            err().print(f"{_number(now)}: {SAYS[now.stage]}", style="bold")
        summary = converge(loaded, tuple(loaded.site.nodes), apply=True, as_json=as_json)
        yield summary
        if not summary.ok:
            return
        now = rotation.after(now)
        rotation.keep(state, now)


def _number(now: Rotation) -> str:
    return f"stage {list(Stage).index(now.stage or Stage.END) + 1} of {len(Stage)}"
