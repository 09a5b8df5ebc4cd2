"""`wallcloud bundle`: one file for support, without secrets."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    chosen_nodes,
    err,
    faced,
    json_option,
    load_site,
    node_option,
    print_json,
    role_option,
    site_option,
)
from wallcloud.cli.logs_verb import Moment
from wallcloud.cli.steps import Steps
from wallcloud.deploy.bundle.making import default_name, make

_JOURNAL_MIB = 8


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@site_option
@node_option
@role_option
@click.option("--since", type=Moment(), default="24h", show_default=True, help="Journals from then on: 2h, 3d, 14:05.")
@click.option(
    "--journal",
    "journal_mib",
    type=click.IntRange(1, 128),
    default=_JOURNAL_MIB,
    show_default=True,
    help="Most MiB of each node's journal: of a longer one the last.",
)
@json_option
@faced
def bundle(
    file: Path | None,
    site_file: Path,
    nodes: tuple[str, ...],
    roles: tuple[str, ...],
    since: float,
    journal_mib: int,
    as_json: bool,
) -> None:
    """Write one file for support, with all secrets left out.

    FILE is a tar.gz, 0600: versions, site, specs, status, plan, and of each node its journal, network, units and
    configuration. Marks stand for secrets; where one would still be in it, the file is not written. Addresses, names
    and what tenants' services said stay in it: look at it before you give it away. Exit status 1 where a node is
    missing in it.
    """
    loaded = load_site(site_file)
    chosen = chosen_nodes(loaded, nodes, roles)
    path = file or default_name(loaded, datetime.now(UTC))
    with Steps(err()) as steps:
        made = make(loaded, chosen, path, steps, since=since, journal=journal_mib << 20)
    if as_json:
        print_json({"file": str(made.path), "size": made.path.stat().st_size, **asdict(made)})
    else:
        marks = sum(each.marks for each in made.members)
        click.echo(
            f"{made.path}: {made.path.stat().st_size / 2**20:.1f} MiB, {len(made.members)} files, with {marks} marks in"
            f" place of secrets; manifest.json lists them, and {len(made.left_out)} that were left out."
        )
    for node, why in made.lost.items():
        err().print(f"{node}: {why}", style="bold red", markup=False)
    raise SystemExit(ANSWER_IS_NO if made.lost else FINE)
