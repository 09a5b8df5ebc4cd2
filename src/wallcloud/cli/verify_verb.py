"""`wallcloud verify`: probes against the running cloud, each with an expectation drawn from the design."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from wallcloud.cli import mutating
from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    WrongUse,
    err,
    faced,
    known,
    load_site,
    option_site,
    print_json,
    site_option,
)
from wallcloud.cli.proven_cloud import Workstations, cloud_of, hands_of, on_node, places_of
from wallcloud.cli.steps import Steps
from wallcloud.deploy.prepare import known_design, state_of
from wallcloud.frozen import frozen
from wallcloud.site.load import Loaded
from wallcloud.verify import by_hand, report
from wallcloud.verify.alone import alone
from wallcloud.verify.expectation import Part, Probe, Seen
from wallcloud.verify.hands import ARGV
from wallcloud.verify.parts import PARTS, run_parts
from wallcloud.verify.reach import watching

_STDOUT = "-"


@frozen
class _Wanted:
    """Where the report goes."""

    json: str | None
    junit: Path | None
    html: Path | None


@click.command()
@site_option
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part (may be given again).")
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Only expectations whose id matches, like 'reach/office/*' (may be given again).",
)
@click.option(
    "--json",
    "json_file",
    metavar="[FILE]",
    is_flag=False,
    flag_value=_STDOUT,
    help="Write the report as JSON to FILE; without FILE, print it.",
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit report here.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as one page here.")
@click.option(
    "--while",
    "meanwhile",
    metavar="COMMAND",
    help="Instead: run this shell command, and try the walls from outside all the while.",
)
@click.option(
    "--inside",
    multiple=True,
    metavar="NODE",
    help="With --while: also on this node, as each of its accounts; it must stay up (may be given again).",
)
@click.option("--mutate", "mutated", is_flag=True, help="Open holes, all or those named, and see that each is found.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="With --mutate: so many of the holes.")
@click.option("--seed", type=int, default=0, show_default=True, help="With --sample: draws which.")
@click.option(
    "--also",
    multiple=True,
    type=click.Choice(PARTS),
    help="With --mutate: run this part for every hole, besides those of the hole (may be given again).",
)
@click.option("--list-mutations", "listed", is_flag=True, help="Show the holes that --mutate opens.")
@click.option("--on-real-hosts", is_flag=True, help="With --mutate: also where the site is no lab of this computer.")
@click.option("--keep", is_flag=True, help="Leave the tenants and their VMs for a look; the next verify removes them.")
@click.option("--office", help="SSH host of a workstation where tenants are; default: the lab's.")
@click.option("--admin", help="SSH host of a workstation in an admin prefix; default: the lab's.")
@click.argument("holes", nargs=-1, metavar="[HOLE]...")
@faced
def verify(
    site_file: Path,
    parts: tuple[str, ...],
    only: tuple[str, ...],
    json_file: str | None,
    junit: Path | None,
    html: Path | None,
    meanwhile: str | None,
    inside: tuple[str, ...],
    mutated: bool,
    sample: int | None,
    seed: int,
    also: tuple[str, ...],
    listed: bool,
    on_real_hosts: bool,
    holes: tuple[str, ...],
    keep: bool,
    office: str | None,
    admin: str | None,
) -> None:
    """Prove the running cloud with real packets.

    Exit status 1 where an expectation does not hold.

    \b
    doors    tokens at both doors, and what must not pass them
    reach    every node as every account, hostile machines, the outside: what arrives, and what not
    tenants  two tenants with networks and VMs of the same addresses: what must work, and every wall
             between them; both go afterwards
    wires    raw frames from a hostile machine on each wire: ARP, IPv6, addresses of other wires,
             forwarding, foreign protocols
    sockets  every socket that hears, in every network namespace of every node, is a declared one
    accounts whom MariaDB, RabbitMQ, Keystone and the nodes know, and what each of them may
    paths    who can open what on a node, and where its secrets are
    encryption
             handshakes from every client's own account, with wrong certificates too; then canaries
             that no wire, file, log or process may show

    \b
    With --mutate it proves the proof: holes are opened on the lab's nodes one at a time, and each
    must make exactly the expectations fail that it names. They are closed again whatever happens.
    """
    mutating.asked(mutated or listed, holes, sample, also, on_real_hosts)
    _not_together(
        {
            "--list-mutations": listed,
            "--mutate": mutated,
            "--while": bool(meanwhile),
            "--part": bool(parts),
            "--only": bool(only),
            "--keep": keep,
            "--junit": junit is not None,
            "--html": html is not None,
        }
    )
    if inside and not meanwhile:
        raise WrongUse("--inside is for --while", hint="give it a command, like --while 'wallcloud apply'")
    loaded = load_site(site_file)
    at = Workstations(office, admin)
    if listed:
        mutating.show(loaded, json_file is not None)
        return
    if mutated:
        if not on_real_hosts:
            mutating.only_a_lab(loaded)
        some = mutating.chosen(loaded, holes, parts, sample, seed)
        with alone(state_of(loaded).ca), Steps(err()) as steps:
            score = mutating.act(loaded, cloud_of(loaded, at, ()), some, steps, also)
        raise SystemExit(mutating.end(score, json_file, _STDOUT))
    seen = _while(loaded, at, meanwhile, inside) if meanwhile else _proven(loaded, at, parts or PARTS, only, keep)
    seen = by_hand.completed(seen, option_site(site_file), hands_of(loaded, at), PARTS)
    failed = _report(loaded, seen, _Wanted(json_file, junit, html))
    raise SystemExit(ANSWER_IS_NO if failed else FINE)


_ALONE = {
    "--list-mutations": ("--mutate", "--while", "--part", "--only", "--keep", "--junit", "--html"),
    "--mutate": ("--while", "--only", "--keep", "--junit", "--html"),
    "--while": ("--part", "--only", "--keep"),
}
"""What means nothing beside another: it is told, for who wrote it wanted it."""


def _not_together(given: Mapping[str, bool]) -> None:
    """Raises WrongUse where one option would be passed over for another."""
    for one, others in _ALONE.items():
        passed_over = [other for other in others if given[other]]
        if given[one] and passed_over:
            raise WrongUse(f"{one} does not go with {', '.join(passed_over)}", hint="wallcloud verify --help")


def _proven(
    loaded: Loaded, at: Workstations, parts: tuple[str, ...], only: tuple[str, ...], keep: bool
) -> tuple[Part, ...]:
    cloud = cloud_of(loaded, at, only)
    with alone(state_of(loaded).ca), Steps(err()) as steps:
        seen = run_parts(cloud, parts, steps, keep)
    if only and not any(part.seen for part in seen):
        # Nothing that was tried is nothing that holds.
        raise WrongUse(
            f"no expectation's id matches {' or '.join(only)}",
            hint="ids are like reach/office/control:management/tcp-22; --junit FILE writes all of a run. What should"
            " not be there has one only while it is there",
        )
    return seen


def _while(loaded: Loaded, at: Workstations, command: str, nodes: tuple[str, ...]) -> tuple[Part, ...]:
    """There need be no cloud yet: the first apply is watched, too."""
    known(loaded.site.nodes, nodes, "node", loaded.path)
    began = time.monotonic()
    ended: list[int] = []

    def act() -> None:
        # What it says is not part of the report.
        ended.append(subprocess.run(command, shell=True, stdout=sys.stderr, check=False).returncode)  # noqa: S602

    place = places_of(loaded, at)
    outside = {name: place(name, list(ARGV)) for name in at.names}
    inside = {node: on_node(loaded, node, list(ARGV)) for node in nodes}
    seen = watching.watched(known_design(loaded), outside, inside, act)
    done = Probe("watch/command", "here", "ended with 0", "what did not come about was not watched", {}, repeat=command)
    return (Part("watch", (Seen(done, f"ended with {ended[0]}"), *seen), time.monotonic() - began),)


def _report(loaded: Loaded, seen: Sequence[Part], wanted: _Wanted) -> bool:
    """Writes it; whether something failed."""
    whole = report.as_json(seen)
    if wanted.json and wanted.json != _STDOUT:
        Path(wanted.json).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    if wanted.junit:
        with wanted.junit.open("w", encoding="utf-8") as out:
            report.write_junit(seen, out)
    if wanted.html:
        from wallcloud import draw  # noqa: PLC0415 - a page needs a picture, a verdict none

        wanted.html.write_text(
            report.as_html(seen, _about(loaded, seen), draw.svg(known_design(loaded))), encoding="utf-8"
        )
    if wanted.json == _STDOUT:
        print_json(whole)
    else:
        click.echo(report.as_text(seen))
    return bool(whole["failed"])


def _about(loaded: Loaded, seen: Sequence[Part]) -> report.About:
    when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    run = {part.name for part in seen}
    return report.About(loaded.site.name, when, tuple(name for name in PARTS if name not in run))
