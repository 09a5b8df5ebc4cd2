"""The verbs about the site file alone: new, check, schema."""

import json
import sys
from pathlib import Path

import click

from wallcloud.cli.face import coloured
from wallcloud.cli.rule_text import rule_count
from wallcloud.deploy.prepare import known_facts
from wallcloud.design.compile import findings as of_the_whole
from wallcloud.design.virtual import check_hosts
from wallcloud.errors import WallcloudError
from wallcloud.site import template
from wallcloud.site.finding import SiteError
from wallcloud.site.load import load
from wallcloud.site.schema import schema as json_schema


@click.command()
@click.option(
    "--flavour",
    type=click.Choice(template.FLAVOURS),
    default="article",
    show_default=True,
    help="article: each node has one role; combined: network and compute on the same hosts; admin-only: no door for"
    " tenants, admins make networks and VMs for them.",
)
@click.option(
    "--output", type=click.Path(path_type=Path), default="site.yaml", show_default=True, help="File to write."
)
@click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
def new(flavour: template.Flavour, output: Path, force: bool) -> None:
    """Write a commented site file to begin with."""
    try:
        # "x" and not a look beforehand: nobody's file is lost between looking and writing.
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(template.text(flavour))
    except FileExistsError:
        raise WallcloudError(
            f"{output} exists already", where=str(output), hint="--output names another file, --force overwrites it"
        ) from None
    except OSError as error:
        raise WallcloudError(
            f"cannot write {output}: {error.strerror}", where=str(output), hint="--output names another file"
        ) from error
    except ValueError as error:
        raise click.UsageError("--output is no usable file name") from error
    site = "" if output == Path("site.yaml") else f" --site {output}"
    click.echo(f"{output} is written. Read it, make it yours, then: wallcloud check{site}")


@click.command()
@click.option("--site", "site_file", type=click.Path(path_type=Path), default="site.yaml", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(site_file: Path, as_json: bool) -> None:
    """Check the site file: its shape, and the rules of separation.

    Exit status: 0 no errors (warnings may be), 1 errors, 2 the file cannot be read.
    """
    try:
        loaded = load(site_file)
        findings = (*of_the_whole(loaded), *check_hosts(loaded, known_facts(loaded)))
        summary = f"{len(loaded.site.nodes)} nodes, {len(loaded.site.networks)} networks, {rule_count()} rules"
    except SiteError as error:
        findings, summary = error.findings, ""
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        document = {
            "site": str(site_file),
            "ok": not errors,
            "errors": len(errors),
            "warnings": len(findings) - len(errors),
            "findings": [finding.to_json() for finding in findings],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for finding in findings:
            click.echo(coloured(finding))
        click.echo(_verdict(site_file, len(errors), len(findings) - len(errors), summary))
    if errors:
        sys.exit(2 if any(finding.id == "unreadable" for finding in errors) else 1)


@click.command()
def schema() -> None:
    """Print the JSON Schema of a site file."""
    click.echo(json.dumps(json_schema(), indent=2))


def _verdict(site_file: Path, errors: int, warnings: int, summary: str) -> str:
    def count(number: int, what: str) -> str:
        return f"{number} {what}" if number == 1 else f"{number} {what}s"

    if errors:
        also = f" and {count(warnings, 'warning')}" if warnings else ""
        return f"{site_file}: {count(errors, 'error')}{also}; nothing is deployed from a site with errors"
    also = f", {count(warnings, 'warning')}" if warnings else ""
    named = "" if site_file == Path("site.yaml") else f" --site {site_file}"
    return (
        f"{site_file}: fine ({summary}{also}). Next: wallcloud lab up{named} for a lab, wallcloud plan{named} for hosts"
    )
