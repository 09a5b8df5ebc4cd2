"""`wallcloud plan` and `wallcloud apply`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from wallcloud.cli import plan_text
from wallcloud.cli.converging import converge
from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    chosen_nodes,
    coloured,
    faced,
    json_option,
    load_site,
    node_option,
    option_site,
    out,
    role_option,
    site_option,
)
from wallcloud.cli.rotating import finish
from wallcloud.deploy import rotation
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.run import Summary
from wallcloud.design.compile import require


@click.command()
@site_option
@node_option
@role_option
@json_option
@click.option("--summary", is_flag=True, help="Counts per node only, not the changes themselves.")
@click.option("--details", is_flag=True, help="Also the properties of what is made anew.")
@faced
def plan(
    site_file: Path, nodes: tuple[str, ...], roles: tuple[str, ...], as_json: bool, summary: bool, details: bool
) -> None:
    """Show what apply would change, reading the nodes only. Exit status 1 where there is something to do."""
    loaded = load_site(site_file)
    chosen = chosen_nodes(loaded, nodes, roles)
    require(loaded)  # before the state folder is made, and before anything is said of what is built
    found = converge(loaded, chosen, apply=False, as_json=as_json)
    unfinished = rotation.load(state_of(loaded)).stage is not None
    if as_json:
        more = {"rotation": "unfinished"} if unfinished else {}
        click.echo(json.dumps({"event": "summary", **_summary_json(found), **more}))
    else:
        _print(plan_text.lines(found, whole=not summary, details=details))
        _print(plan_text.verdict(found, option_site(site_file)))
        if unfinished:
            click.echo(f"a rotation is unfinished. Next: wallcloud apply{option_site(site_file)}")
    raise SystemExit(FINE if found.ok and not found.planned and not unfinished else ANSWER_IS_NO)


@click.command()
@site_option
@node_option
@role_option
@json_option
@click.option("--without-preflight", is_flag=True, help="Wires that are new to a node are not tried before.")
@faced
def apply(
    site_file: Path, nodes: tuple[str, ...], roles: tuple[str, ...], as_json: bool, without_preflight: bool
) -> None:
    """Make the nodes what the site says. Run again after any interruption: it finishes what is unfinished."""
    loaded = load_site(site_file)
    chosen = chosen_nodes(loaded, nodes, roles)
    require(loaded)  # before the lock, which is a change of the state folder
    state = state_of(loaded)
    with state.lock():
        summary = converge(loaded, chosen, apply=True, as_json=as_json, try_wires=not without_preflight)
        if summary.ok and rotation.load(state).stage and set(chosen) == set(loaded.site.nodes):
            summary = finish(loaded, as_json=as_json, try_wires=not without_preflight)[-1]
    if as_json:
        click.echo(json.dumps({"event": "summary", **_summary_json(summary)}))
    else:
        for finding in summary.findings:
            click.echo(coloured(finding))
        _print(plan_text.applied(summary, option_site(site_file)))
    raise SystemExit(FINE if summary.ok else ANSWER_IS_NO)


def _print(lines: Iterable[Text]) -> None:
    console = out()
    for line in lines:
        console.print(line, soft_wrap=True)


def _summary_json(summary: Summary) -> dict[str, Any]:
    return {
        "ok": summary.ok,
        "planned": summary.planned,
        "applied": summary.applied,
        "findings": [finding.to_json() for finding in summary.findings],
        "nodes": {
            outcome.node: {
                "status": outcome.status,
                "planned": outcome.planned,
                "applied": outcome.applied,
                "unchanged": outcome.unchanged,
                "why": outcome.why,
            }
            for outcome in summary.outcomes
        },
    }
