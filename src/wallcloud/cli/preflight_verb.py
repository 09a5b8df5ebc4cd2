"""`wallcloud preflight`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from wallcloud.build.cache import Cache
from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    chosen_nodes,
    coloured,
    err,
    faced,
    json_option,
    load_site,
    node_option,
    option_site,
    role_option,
    site_option,
)
from wallcloud.cli.reporter import reporter
from wallcloud.deploy.prepare import release_of, state_of
from wallcloud.deploy.run import Outcome, Run, run
from wallcloud.design.compile import require
from wallcloud.site.finding import Finding


@click.command()
@site_option
@node_option
@role_option
@json_option
@faced
def preflight(site_file: Path, nodes: tuple[str, ...], roles: tuple[str, ...], as_json: bool) -> None:
    """Try the hosts and their wires with packets, and change nothing.

    Between all nodes of each network: interfaces, VLANs, links, packets of the whole MTU, cables that are swapped;
    addresses that others hold, foreign DHCP servers, gateways. On each host: system, clock, name, disk, memory, KVM,
    other programs on the cloud's ports. An interface that is down is up meanwhile. An apply on wires that are new to
    a node does the same before it changes anything.
    """
    loaded = load_site(site_file)
    chosen = chosen_nodes(loaded, nodes, roles)
    require(loaded)
    state = state_of(loaded)
    state.make()
    console = err()
    with reporter(console, chosen, apply=False, as_json=as_json) as face:
        work = Run(loaded, state, Cache(), release_of(loaded), face, apply=False)
        stopping = "stopping; Ctrl-C again ends at once"
        findings, summary = run(work, work.preflight(chosen), lambda: console.print(stopping, style="bold"))
    lost = [outcome for outcome in summary.outcomes if outcome.status != "ok"]
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        answer = {
            "event": "summary",
            "ok": not errors and not lost,
            "findings": [finding.to_json() for finding in findings],
            "lost": {outcome.node: outcome.why for outcome in lost},
        }
        click.echo(json.dumps(answer))
    else:
        for finding in findings:
            click.echo(coloured(finding))
        click.echo(_verdict(chosen, findings, lost, option_site(site_file)))
    raise SystemExit(ANSWER_IS_NO if errors or lost else FINE)


def _verdict(chosen: tuple[str, ...], findings: tuple[Finding, ...], lost: Iterable[Outcome], again: str) -> str:
    errors = sum(finding.severity == "error" for finding in findings)
    names = ", ".join(outcome.node for outcome in lost)
    also = f"; not tried: {names}" if names else ""
    counts = f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}{also}"
    if errors or names:
        return f"{_count(len(chosen), 'node')}: {counts}. Mend that, then: wallcloud preflight{again}"
    return f"{_count(len(chosen), 'node')} and their wires: {counts}. Next: wallcloud plan{again}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number or 'no'} {what}s"
