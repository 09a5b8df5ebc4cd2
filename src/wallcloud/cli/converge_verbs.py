"""`wallcloud plan` and `wallcloud apply`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from wallcloud.build.cache import Cache
from wallcloud.cli.face import ANSWER_IS_NO, FINE, err, faced, json_option, load_site, out, site_option
from wallcloud.cli.reporter import reporter
from wallcloud.deploy.prepare import release_of, state_of
from wallcloud.deploy.run import Run, Summary, run
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded
from wallcloud.site.model import Role

node_option = click.option("--node", "nodes", multiple=True, help="Only this node (may be given again).")
role_option = click.option(
    "--role", "roles", multiple=True, type=click.Choice([str(role) for role in Role]), help="Only nodes of this role."
)


@click.command()
@site_option
@node_option
@role_option
@json_option
@click.option("--summary", is_flag=True, help="Counts per node only, not the changes themselves.")
@faced
def plan(site_file: Path, nodes: tuple[str, ...], roles: tuple[str, ...], as_json: bool, summary: bool) -> None:
    """Show what apply would change, reading the nodes only. Exit status 1 where there is something to do."""
    loaded = load_site(site_file)
    found = _run(loaded, _chosen(loaded, nodes, roles), apply=False, as_json=as_json)
    if as_json:
        click.echo(json.dumps({"event": "summary", **_summary_json(found)}))
    else:
        _show_plan(found, whole=not summary)
    raise SystemExit(FINE if found.ok and not found.planned else ANSWER_IS_NO)


@click.command()
@site_option
@node_option
@role_option
@json_option
@faced
def apply(site_file: Path, nodes: tuple[str, ...], roles: tuple[str, ...], as_json: bool) -> None:
    """Make the nodes what the site says. Run again after any interruption: it finishes what is unfinished."""
    loaded = load_site(site_file)
    state = state_of(loaded)
    with state.lock():
        summary = _run(loaded, _chosen(loaded, nodes, roles), apply=True, as_json=as_json)
    if as_json:
        click.echo(json.dumps({"event": "summary", **_summary_json(summary)}))
    else:
        _show_applied(summary)
    raise SystemExit(FINE if summary.ok else ANSWER_IS_NO)


def _chosen(loaded: Loaded, nodes: tuple[str, ...], roles: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [node for node in nodes if node not in loaded.site.nodes]
    if unknown:
        raise WallcloudError(
            f"the site has no node named {unknown[0]}",
            where=str(loaded.path),
            hint=f"it has: {', '.join(loaded.site.nodes)}",
        )
    if not nodes and not roles:
        return tuple(loaded.site.nodes)
    return tuple(
        name
        for name, node in loaded.site.nodes.items()
        if name in nodes or any(str(role) in roles for role in node.roles)
    )


def _run(loaded: Loaded, nodes: tuple[str, ...], *, apply: bool, as_json: bool) -> Summary:
    state = state_of(loaded)
    state.make()
    release = release_of(loaded, needed=True)
    console = err()
    with reporter(console, nodes, apply=apply, as_json=as_json) as face:
        work = Run(loaded, state, Cache(), release, face, apply=apply)
        return run(
            work,
            nodes,
            lambda: console.print("stopping after the resources in hand; Ctrl-C again ends at once", style="bold"),
        )


def _summary_json(summary: Summary) -> dict[str, Any]:
    return {
        "ok": summary.ok,
        "planned": summary.planned,
        "applied": summary.applied,
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


_SIGNS = {"-": "red", "+": "green", "@": "cyan"}


def _show_plan(summary: Summary, *, whole: bool) -> None:
    console = out()
    for outcome in summary.outcomes:
        if not whole and outcome.planned:
            console.print(f"{outcome.node}: {outcome.planned} to change, {outcome.unchanged} as they should be")
        for event in outcome.changes if whole else ():
            resource = event["resource"]
            console.print(Text(f"{outcome.node}  {resource['kind']} {resource['name']}", style="bold"))
            for change in event["changes"]:
                _show_change(change)
            if event["reason"]:
                console.print(Text(f"    why: {event['reason']}", style="dim"))
            if event["consequence"]:
                console.print(Text(f"    then: {event['consequence']}"))
    left = [outcome for outcome in summary.outcomes if outcome.status != "ok"]
    for outcome in left:
        console.print(Text(f"{outcome.node}: {outcome.status}: {outcome.why}", style="bold red"))
    count = len(summary.outcomes) - len(left)
    if summary.planned:
        console.print(f"{summary.planned} to change on {count} nodes. Next: wallcloud apply", style="bold")
    elif not left:
        console.print(f"nothing to do: {count} nodes are as the site says", style="bold green")


def _show_change(change: dict[str, Any]) -> None:
    console = out()
    if change["secret"]:
        console.print(Text(f"    {change['property']}: changes (a secret: not shown)"))
    elif change.get("diff"):
        console.print(Text(f"    {change['property']}:"))
        for line in str(change["diff"]).splitlines():
            console.print(Text(f"      {line}", style=_SIGNS.get(line[:1], "")))
    else:
        console.print(Text(f"    {change['property']}: {_value(change['before'])} → {_value(change['after'])}"))


def _value(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _show_applied(summary: Summary) -> None:
    console = out()
    left = [outcome for outcome in summary.outcomes if outcome.status != "ok"]
    for outcome in left:
        console.print(Text(f"{outcome.node}: {outcome.status}: {outcome.why}", style="bold red"))
    done = len(summary.outcomes) - len(left)
    if left:
        console.print(
            Text(
                f"{done} of {len(summary.outcomes)} nodes are as the site says; mend the others, then: wallcloud apply"
            )
        )
    else:
        console.print(
            Text(
                f"{summary.applied} changed: {done} nodes are as the site says. Next: wallcloud verify",
                style="bold green",
            )
        )
