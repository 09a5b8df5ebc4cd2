"""A rotation applied stage by stage, by `rotate` and by an `apply` that finds one unfinished."""

from __future__ import annotations

import json

import click

from wallcloud.catalog.rotation import Rotation, Stage
from wallcloud.cli.converging import converge
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


def finish(loaded: Loaded, *, as_json: bool, try_wires: bool = True) -> tuple[Summary, ...]:
    """Applies what is left of the rotation that is written down, on every node, under the state's lock.

    Returns what came of each stage; none where no rotation is under way. What is not well ends it. Raises
    WallcloudError.
    """
    summaries: list[Summary] = []

    def applied(now: Rotation) -> bool:
        stage = now.stage or Stage.END
        if as_json:
            click.echo(json.dumps({"event": "stage", "stage": stage, "says": SAYS[stage]}))
        else:
            number = f"stage {list(Stage).index(stage) + 1} of {len(Stage)}"
            err().print(f"{number}: {SAYS[stage]}", style="bold")
        nodes = tuple(loaded.site.nodes)
        summaries.append(converge(loaded, nodes, apply=True, as_json=as_json, try_wires=try_wires))
        return summaries[-1].ok

    rotation.walk(state_of(loaded), applied)
    return tuple(summaries)
