"""`wallcloud verify`: probes against the running cloud, each with an expectation drawn from the design."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from wallcloud.catalog.identity import ADMIN, ADMIN_PASSWORD, ADMIN_PROJECT, member_password
from wallcloud.cli import mutating
from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    WrongUse,
    err,
    faced,
    load_site,
    option_site,
    print_json,
    site_option,
)
from wallcloud.cli.steps import Steps
from wallcloud.deploy.prepare import known_facts, release_of, state_of
from wallcloud.deploy.run import target
from wallcloud.design.compile import compile_site
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded
from wallcloud.verify import report
from wallcloud.verify.alone import alone
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.doors import Credentials
from wallcloud.verify.parts import PARTS, run_parts
from wallcloud.verify.places import Command, over_ssh

_STDOUT = "-"


@click.command()
@site_option
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part (may be given again).")
@click.option(
    "--json",
    "json_file",
    metavar="[FILE]",
    is_flag=False,
    flag_value=_STDOUT,
    help="Write the report as JSON to FILE; without FILE, print it.",
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit report here.")
@click.option("--keep", is_flag=True, help="Leave the tenants and their VMs for a look; the next verify removes them.")
@click.option("--office", help="SSH host of a workstation where tenants are; default: the lab's.")
@click.option("--admin", help="SSH host of a workstation in an admin prefix; default: the lab's.")
@click.option("--mutate", "mutated", is_flag=True, help="Open holes, all or those named, and see that each is found.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="With --mutate: so many of the holes.")
@click.option("--seed", type=int, default=0, show_default=True, help="With --sample: draws which.")
@click.option("--list-mutations", "listed", is_flag=True, help="Show the holes that --mutate opens.")
@click.option("--on-real-hosts", is_flag=True, help="With --mutate: also where the site is no lab of this computer.")
@click.argument("holes", nargs=-1, metavar="[HOLE]...")
@faced
def verify(
    site_file: Path,
    parts: tuple[str, ...],
    json_file: str | None,
    junit: Path | None,
    keep: bool,
    office: str | None,
    admin: str | None,
    mutated: bool,
    sample: int | None,
    seed: int,
    listed: bool,
    on_real_hosts: bool,
    holes: tuple[str, ...],
) -> None:
    """Prove the running cloud with real packets.

    Exit status 1 where an expectation does not hold.

    \b
    doors    tokens at both doors, and what must not pass them
    tenants  two tenants with networks and VMs of the same addresses: what must work, and every wall
             between them; both go afterwards

    \b
    With --mutate it proves the proof: holes are opened on the lab's nodes one at a time, and each must
    make exactly the expectations fail that it names. They are closed again whatever happens.
    """
    loaded = load_site(site_file)
    mutating.asked(mutated, holes, sample, on_real_hosts)
    if listed:
        mutating.show(loaded, json_file is not None)
        return
    if mutated and not on_real_hosts:
        mutating.only_a_lab(loaded)
    some = mutating.chosen(loaded, holes, parts, sample, seed) if mutated else ()
    cloud = _cloud(loaded, office, admin)
    if mutated:
        with alone(state_of(loaded).ca), Steps(err()) as steps:
            score = mutating.act(loaded, cloud, some, steps)
        raise SystemExit(mutating.end(score, json_file, _STDOUT))
    with alone(state_of(loaded).ca), Steps(err()) as steps:
        seen = run_parts(cloud, parts or PARTS, steps, keep)
    whole = report.as_json(seen)
    if json_file and json_file != _STDOUT:
        Path(json_file).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    if junit:
        junit.write_text(report.as_junit(seen), encoding="utf-8")
    if json_file == _STDOUT:
        print_json(whole)
    else:
        click.echo(report.as_text(seen))
    raise SystemExit(ANSWER_IS_NO if whole["failed"] else FINE)


def _cloud(loaded: Loaded, office: str | None, admin: str | None) -> Cloud:
    design = compile_site(loaded, known_facts(loaded), release_of(loaded))
    state = state_of(loaded)
    if not state.ca_certificate.exists():
        raise WallcloudError("there is no cloud of this site yet", where=str(loaded.path), hint="run: wallcloud apply")
    project, member = next(((name, it.user) for name, it in loaded.site.projects.items()), ("", ""))
    # Not `secrets`, which would make and keep what is missing: this verb only reads.
    values = state.secrets_known((ADMIN_PASSWORD, *((member_password(project, member),) if member else ())))
    return Cloud(
        design=design,
        ca=state.ca_certificate.read_text(encoding="ascii"),
        admin=Credentials(ADMIN, values[ADMIN_PASSWORD], ADMIN_PROJECT),
        member=Credentials(member, values[member_password(project, member)], project) if member else None,
        command=_places(loaded, office, admin),
        on_node=lambda node, argv: _on_node(loaded, node, argv),
    )


def _on_node(loaded: Loaded, node: str, argv: list[str]) -> list[str]:
    at = target(loaded, node)
    return at.argv(shlex.join(argv if at.user == "root" else ["sudo", "-n", "--", *argv]))


def _places(loaded: Loaded, office: str | None, admin: str | None) -> Command:
    if office and admin:
        return over_ssh({"office": office, "admin": admin}, loaded.ssh_config)
    if office or admin:
        raise WrongUse(
            "probes start from two places", hint="give both --office HOST and --admin HOST, or none for the lab's"
        )
    from wallcloud.lab.lab import Lab  # noqa: PLC0415 - hosts that SSH reaches need no lab

    try:
        command: Command = Lab.of(loaded).command
        command("admin", ["true"])
    except WallcloudError as error:
        raise WallcloudError(
            error.what,
            where=error.where,
            hint=f"wallcloud lab up{option_site(loaded.path)}; or, with real hosts: --office HOST --admin HOST",
        ) from error
    return command
