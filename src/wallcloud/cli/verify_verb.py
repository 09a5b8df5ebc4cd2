"""`wallcloud verify`: probes against the running cloud, each with an expectation drawn from the design."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from wallcloud.catalog.identity import ADMIN, ADMIN_PASSWORD, ADMIN_PROJECT, member_password
from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    WrongUse,
    faced,
    json_option,
    load_site,
    option_site,
    print_json,
    site_option,
)
from wallcloud.deploy.prepare import known_facts, release_of, state_of
from wallcloud.design.compile import compile_site
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded
from wallcloud.verify import doors, report
from wallcloud.verify.expectation import Part
from wallcloud.verify.places import Command, over_ssh, run


@click.command()
@site_option
@json_option
@click.option(
    "--report", "report_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the JSON report here."
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit report here.")
@click.option("--office", help="SSH host of a workstation where tenants are; default: the lab's.")
@click.option("--admin", help="SSH host of a workstation in an admin prefix; default: the lab's.")
@faced
def verify(
    site_file: Path, as_json: bool, report_file: Path | None, junit: Path | None, office: str | None, admin: str | None
) -> None:
    """Prove the running cloud: tokens at both doors, and what must not pass. Exit status 1 where one does not hold."""
    loaded = load_site(site_file)
    design = compile_site(loaded, known_facts(loaded), release_of(loaded))
    state = state_of(loaded)
    if not state.ca_certificate.exists():
        raise WallcloudError("there is no cloud of this site yet", where=str(loaded.path), hint="run: wallcloud apply")
    ca = state.ca_certificate.read_text(encoding="ascii")
    project, member = next(((name, it.user) for name, it in loaded.site.projects.items()), ("", ""))
    # Not `secrets`, which would make and keep what is missing: this verb only reads.
    values = state.secrets_known((ADMIN_PASSWORD, *((member_password(project, member),) if member else ())))
    administrator = doors.Credentials(ADMIN, values[ADMIN_PASSWORD], ADMIN_PROJECT)
    tenant = doors.Credentials(member, values[member_password(project, member)], project) if member else None
    command = _places(loaded, office, admin)
    (first,) = run([doors.admin_login(design, ca, administrator)], command)
    # Without a token (the doors are down) the probes still run and say what is wrong.
    token = first.detail if first.holds else ""
    probes = tuple(doors.probes(design, ca, administrator, tenant, token))
    if not as_json:
        click.echo(f"trying {len(probes)} expectations …", err=True)
    began = time.monotonic()
    seen = run(probes, command)
    parts = (Part("doors", seen, time.monotonic() - began),)
    whole = report.as_json(parts)
    if report_file:
        report_file.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    if junit:
        junit.write_text(report.as_junit(parts), encoding="utf-8")
    if as_json:
        print_json(whole)
    else:
        click.echo(report.as_text(parts))
    raise SystemExit(ANSWER_IS_NO if whole["failed"] else FINE)


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
