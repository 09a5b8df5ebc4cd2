"""`wallcloud show`: what follows from a site, before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text as RichText

from wallcloud.cli.face import faced, json_option, load_site, out, print_json, site_option
from wallcloud.deploy.prepare import known_facts, release_of
from wallcloud.design.compile import Design, compile_site
from wallcloud.node.resources import File
from wallcloud.node.secret import masked


@click.group()
def show() -> None:
    """Show what follows from the site: nodes, flows, addresses, limits, files."""


def _design(site_file: Path) -> Design:
    loaded = load_site(site_file)
    return compile_site(loaded, known_facts(loaded), release_of(loaded))


def _print_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(RichText(cell) for cell in row))
    out().print(table)


@show.command()
@site_option
@json_option
@faced
def nodes(site_file: Path, as_json: bool) -> None:
    """Each node with its roles and components."""
    design = _design(site_file)
    found = [
        {
            "node": node,
            "roles": [str(role) for role in it.roles],
            "networks": list(it.interfaces),
            "components": list(design.components_of(node)),
            "resources": len(design.specs[node].resources),
        }
        for node, it in design.site.nodes.items()
    ]
    if as_json:
        print_json(found)
        return
    rows = [
        (str(n["node"]), _words(n["roles"]), _words(n["networks"]), _words(n["components"]), str(n["resources"]))
        for n in found
    ]
    _print_table(f"Nodes of {design.site.name}", ("node", "roles", "networks", "components", "resources"), rows)


def _words(value: Any) -> str:
    return ", ".join(value)


@show.command()
@site_option
@json_option
@click.option("--node", help="Only flows that touch this node.")
@click.option("--component", help="Only flows that touch this component.")
@click.option("--markdown", is_flag=True, help="A Markdown table.")
@faced
def flows(site_file: Path, as_json: bool, node: str | None, component: str | None, markdown: bool) -> None:
    """The communication matrix: every allowed conversation. What is not here does not pass."""
    design = _design(site_file)
    columns = ("client", "server", "network", "port", "authentication", "encryption", "reason", "exception")
    rows = [
        (
            str(flow.client),
            str(flow.server),
            flow.network or str(flow.transport),
            flow.where,
            flow.authentication,
            flow.encryption,
            flow.why,
            f"{flow.exemption.name}: {flow.exemption.reason} ({flow.exemption.owner})" if flow.exemption else "",
        )
        for flow in design.flows
        if node in (None, flow.client.node, flow.server.node) and component in (None, flow.client.who, flow.server.who)
    ]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif markdown:
        click.echo("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
        for row in _together(rows):
            click.echo("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    else:
        _print_table(f"Flows of {design.site.name}: {len(rows)}; nothing else passes", columns, _together(rows))


def _together(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """One row for clients, then for servers, that differ only in their node."""
    for column in (0, 1):
        merged: dict[tuple[str, ...], list[str]] = {}
        for row in rows:
            who, _, node = row[column].partition(" @ ")
            merged.setdefault((*row[:column], who, *row[column + 1 :]), []).append(node)
        rows = [
            (*row[:column], f"{row[column]} @ {', '.join(nodes)}" if nodes[0] else row[column], *row[column + 1 :])
            for row, nodes in merged.items()
        ]
    return rows


@show.command()
@site_option
@json_option
@faced
def addresses(site_file: Path, as_json: bool) -> None:
    """The address of every node on every network."""
    design = _design(site_file)
    found = [
        {
            "node": node,
            "network": network,
            "kind": str(design.site.networks[network].kind),
            "interface": design.site.networks[network].device(interface),
            "address": str(design.plan.interface(node, network) or ""),
        }
        for node, it in design.site.nodes.items()
        for network, interface in it.interfaces.items()
    ]
    if as_json:
        print_json(found)
        return
    rows = [
        (n["node"], n["network"], n["kind"], n["interface"], n["address"] or "none: a port of a bridge") for n in found
    ]
    _print_table(f"Addresses of {design.site.name}", ("node", "network", "kind", "interface", "address"), rows)


@show.command()
@site_option
@json_option
@faced
def limits(site_file: Path, as_json: bool) -> None:
    """Every derived number with its arithmetic."""
    design = _design(site_file)
    if as_json:
        print_json(
            [
                {
                    "component": limit.component,
                    "limit": limit.name,
                    "value": limit.value,
                    "terms": [{"value": term.value, "text": term.text} for term in limit.terms],
                }
                for limit in design.limits
            ]
        )
        return
    rows = [
        (
            limit.component,
            limit.name,
            str(limit.value),
            " + ".join(f"{term.value} ({term.text})" for term in limit.terms),
        )
        for limit in design.limits
    ]
    _print_table(f"Limits of {design.site.name}", ("component", "limit", "value", "arithmetic"), rows)


@show.command()
@site_option
@json_option
@click.option("--node", help="Only this node's files.")
@click.argument("path", required=False)
@faced
def files(site_file: Path, as_json: bool, node: str | None, path: str | None) -> None:
    """The files that Wallcloud writes; with PATH, their content, secrets as holes."""
    design = _design(site_file)
    found = [
        (name, resource)
        for name, spec in design.specs.items()
        for resource in spec.resources
        if isinstance(resource, File) and node in (None, name) and path in (None, resource.path)
    ]
    if as_json:
        print_json(
            [{"node": n, "path": f.path, "mode": f"{f.mode:04o}", "content": masked(f.content)} for n, f in found]
        )
    elif path:
        for name, file in found:
            out().print(f"── {name}:{file.path}", style="bold", markup=False)
            click.echo(masked(file.content))
        if not found:
            raise SystemExit(1)
    else:
        rows = [
            (name, file.path, f"{file.owner}:{file.group}", f"{file.mode:04o}", file.reason) for name, file in found
        ]
        _print_table(f"Files of {design.site.name}", ("node", "path", "owner", "mode", "reason"), rows)
