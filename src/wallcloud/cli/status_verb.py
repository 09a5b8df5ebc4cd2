"""`wallcloud status`: how the cloud is, on one screen."""

from __future__ import annotations

import time
from pathlib import Path

import click

from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    chosen_nodes,
    faced,
    json_option,
    load_site,
    node_option,
    print_json,
    role_option,
    site_option,
)
from wallcloud.cli.status_text import screen
from wallcloud.deploy.authority import life
from wallcloud.deploy.prepare import known_design, state_of
from wallcloud.deploy.status.asking import ask
from wallcloud.deploy.status.report import report
from wallcloud.errors import WallcloudError


@click.command()
@site_option
@node_option
@role_option
@json_option
@faced
def status(site_file: Path, nodes: tuple[str, ...], roles: tuple[str, ...], as_json: bool) -> None:
    """Show how the cloud is: every component asked itself, and what is left.

    Services, agents, queues, connections, certificates, capacity, on one screen. Nothing is changed. Exit status 1
    where something is not well, or a node could not be asked.
    """
    loaded = load_site(site_file)
    chosen = chosen_nodes(loaded, nodes, roles)
    state = state_of(loaded)
    if not state.ca_certificate.exists():
        raise WallcloudError("there is no cloud of this site yet", where=str(site_file), hint="run: wallcloud apply")
    design = known_design(loaded)
    _, ca_until = life(state)
    asked = ask(loaded, design, state, chosen)
    found = report(design, asked, time.time(), ca_until)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo("\n".join(screen(found)))
    raise SystemExit(ANSWER_IS_NO if found.problems else FINE)
