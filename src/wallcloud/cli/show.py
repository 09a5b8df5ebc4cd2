"""`wallcloud show`: what follows from a site, before anything is touched."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from wallcloud.cli import flow_matrix, flow_text, rule_text
from wallcloud.cli.face import faced, json_option, known, load_site, option_site, print_json, site_option
from wallcloud.cli.flow_filter import Asked
from wallcloud.cli.flow_filter import chosen as choose
from wallcloud.cli.table import table, width
from wallcloud.deploy.prepare import known_design
from wallcloud.design.compile import Design
from wallcloud.node.resources import File
from wallcloud.node.secret import masked
from wallcloud.site.model import ProjectNetwork

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def show() -> None:
    """Show what follows from the site: nodes, flows, addresses, limits, files; and the rules."""


def _design(site_file: Path) -> Design:
    loaded = load_site(site_file)
    return known_design(loaded)


def _print_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    click.echo(title)
    click.echo(table(columns, rows, width()))


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
    rows = [(str(n["node"]), _words(n["roles"]), str(n["resources"]), _words(n["components"])) for n in found]
    _print_table(f"Nodes of {design.site.name}", ("node", "roles", "resources", "components"), rows)


def _words(value: Any) -> str:
    return ", ".join(value)


@show.command()
@site_option
@json_option
@click.option("--node", "nodes", multiple=True, help="Only flows of this node (may be given again, as all below).")
@click.option("--component", "components", multiple=True, help="Only flows of this component.")
@click.option("--network", "networks", multiple=True, help="Only flows on this network; `loopback`, `unix`: on a node.")
@click.option("--port", "ports", multiple=True, help="Only flows to this port: 443, tcp/443, udp, icmp.")
@click.option("--from", "sources", multiple=True, metavar="WHO", help="Only flows that WHO begins.")
@click.option("--to", "targets", multiple=True, metavar="WHO", help="Only flows that WHO answers.")
@click.option("--exceptions", is_flag=True, help="Only flows without authentication or encryption: named exceptions.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Tables for a document.")
@faced
def flows(site_file: Path, as_json: bool, as_markdown: bool, **words: Any) -> None:
    """The communication matrix: every allowed conversation. What is not here does not pass.

    WHO is a node (compute1), a component (nova-api), one on a node (nova-api@control), admins, tenants, "time
    servers", an address or a prefix. So --from 198.18.1.7 --to control is what that workstation may ask of control.
    """
    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown are two answers: ask for one")
    design = _design(site_file)
    asked = Asked(**words)
    chosen = choose(design, asked, site_file)
    if as_json:
        print_json([flow_matrix.plain(flow) for flow in chosen])
    elif as_markdown:
        click.echo("\n".join(flow_matrix.markdown(design, chosen, asked.words())))
    else:
        for line in flow_text.text(design, chosen, asked.words(), width()):
            click.echo(line)


@show.command("rules")
@json_option
@click.option("--markdown", "as_markdown", is_flag=True, help="The page docs/rules.md.")
@click.argument("rule", nargs=-1)
@faced
def show_rules(rule: tuple[str, ...], as_json: bool, as_markdown: bool) -> None:
    """The rules of separation: what each forbids, why, and what mends it. With RULE, those alone."""
    every = rule_text.every_rule()
    known([each.id for each in every], rule, "rule", thing="Wallcloud")
    chosen = tuple(each for each in every if not rule or each.id in rule)
    if as_json:
        print_json([asdict(each) for each in chosen])
    else:
        lines = rule_text.markdown(chosen) if as_markdown else rule_text.text(chosen, width())
        click.echo("\n".join(lines))


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
    given = [
        (name, project, str(network.cidr), network.router or "none", _way(name, network))
        for project, name, network in design.site.project_networks()
    ]
    if given:
        click.echo()
        columns = ("network", "project", "addresses", "router on", "how it is reached from outside")
        _print_table("Networks of projects", columns, given)


def _way(name: str, network: ProjectNetwork) -> str:
    if network.router is None:
        return "not at all"
    if network.snat:
        return "by floating IPs"
    return f"the physical router needs a route: {network.cidr} via {network.address or f'the address of router {name}'}"


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
            " + ".join(f"{term.value} ({term.text})" for term in limit.terms)
            if len(limit.terms) > 1
            else limit.terms[0].text,
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
    known(design.site.nodes, [node] if node else [], "node", site_file)
    every = [
        (name, resource)
        for name, spec in design.specs.items()
        for resource in spec.resources
        if isinstance(resource, File) and node in (None, name)
    ]
    known(sorted({file.path for _, file in every}), [path] if path else [], "file", site_file)
    found = [(name, file) for name, file in every if path in (None, file.path)]
    if as_json:
        print_json(
            [{"node": n, "path": f.path, "mode": f"{f.mode:04o}", "content": masked(f.content)} for n, f in found]
        )
    elif path:
        for content, nodes in _same(found).items():
            click.echo(click.style(f"── {path} on {', '.join(nodes)}", bold=True))
            click.echo(content, nl=not content.endswith("\n"))
    else:
        rows = [
            (*shown, "all" if len(nodes) == len(design.site.nodes) > 1 else ", ".join(nodes), reason)
            for (*shown, reason), nodes in _together(
                (name, (file.path, f"{file.owner}:{file.group}", f"{file.mode:04o}", file.reason))
                for name, file in found
            ).items()
        ]
        _print_table(f"Files of {design.site.name}", ("path", "owner", "mode", "nodes", "reason"), rows)
        example = rows[-1][0]
        click.echo(f"\nWhat is in one: wallcloud show files{option_site(site_file)} {shlex.quote(example)}")


def _same(found: list[tuple[str, File]]) -> dict[str, list[str]]:
    """Content → the nodes that have it: one that is the same everywhere is shown once."""
    return _together((node, masked(file.content)) for node, file in found)


def _together(found: Iterable[tuple[str, T]]) -> dict[T, list[str]]:
    merged: dict[T, list[str]] = {}
    for node, what in found:
        merged.setdefault(what, []).append(node)
    return merged
