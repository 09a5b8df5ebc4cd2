"""`wallcloud lab …`: the site's machines and wires on this computer."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.table import Table

from wallcloud import rules
from wallcloud.cli.face import ANSWER_IS_NO, FINE, err, faced, json_option, load_site, out, print_json, site_option
from wallcloud.cli.steps import Steps
from wallcloud.lab.lab import Lab
from wallcloud.lab.reach import run
from wallcloud.lab.status import Status
from wallcloud.site.finding import SiteError

_pass_on = {"ignore_unknown_options": True, "allow_interspersed_args": False}
_words = click.argument("argv", nargs=-1, type=click.UNPROCESSED)
_console = click.option("--console", is_flag=True, help="Not by SSH, but straight into the machine.")


def _lab(site_file: Path) -> Lab:
    return Lab.of(load_site(site_file))


@click.group()
def lab() -> None:
    """The site's hosts, wires, routers and workstations, made on this computer."""


@lab.command()
@site_option
@faced
def up(site_file: Path) -> None:
    """Make the lab, or what lacks of it. What runs is left alone."""
    loaded = load_site(site_file)
    findings = rules.check(loaded.site, loaded.locations)
    if any(finding.severity == "error" for finding in findings):
        raise SiteError(findings, loaded.path)
    made = Lab.of(loaded)
    with Steps(err()) as steps:
        made.up(steps)
    if loaded.ssh_config != made.door.config:
        click.echo(
            f"note: only with ssh: {{config: {made.door.config}}} in the site file does plan find the lab", err=True
        )
    option = "" if site_file == Path("site.yaml") else f" --site {site_file}"
    click.echo(f"the lab {made.site.name} is up: {len(made.wiring.machines)} machines. Next: wallcloud plan{option}")


@lab.command()
@site_option
@faced
def down(site_file: Path) -> None:
    """Remove the lab: machines with their disks, wires, everything but the cache."""
    gone = _lab(site_file)
    with Steps(err()) as steps:
        gone.down(steps)
    click.echo(f"the lab {gone.site.name} is gone")


@lab.command()
@site_option
@json_option
@faced
def status(site_file: Path, as_json: bool) -> None:
    """Show machines, wires and places. Exit status 1 unless all is up."""
    found = _lab(site_file).status()
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)
    sys.exit(FINE if found.up else ANSWER_IS_NO)


@lab.command()
@site_option
@click.argument("node")
@faced
def restart(site_file: Path, node: str) -> None:
    """Cut a machine's power and switch it on again. Its disk stays."""
    with Steps(err()) as steps:
        _lab(site_file).restart(node, steps)


@lab.command()
@site_option
@click.argument("node")
@faced
def kill(site_file: Path, node: str) -> None:
    """Cut a machine's power. `lab up` switches it on again."""
    with Steps(err()) as steps:
        _lab(site_file).kill(node, steps)


@lab.command()
@site_option
@_console
@click.argument("place")
@faced
def shell(site_file: Path, console: bool, place: str) -> None:
    """A shell on a node, or this computer's at router, office or admin."""
    sys.exit(run(_at(_lab(site_file), place, (), console, terminal=True)))


@lab.command("exec", context_settings=_pass_on)
@site_option
@_console
@click.argument("place")
@_words
@faced
def exec_(site_file: Path, console: bool, place: str, argv: tuple[str, ...]) -> None:
    """Run a program on a node, or one of this computer's at router, office or admin: lab exec office -- curl …

    Its exit status is passed on.
    """
    argv = argv[1:] if argv[:1] == ("--",) else argv
    if not argv:
        raise click.UsageError("which program? for example: wallcloud lab exec office -- ping -c1 198.18.30.11")
    sys.exit(run(_at(_lab(site_file), place, argv, console, terminal=False)))


@lab.command(context_settings=_pass_on)
@site_option
@click.argument("node")
@_words
@faced
def logs(site_file: Path, node: str, argv: tuple[str, ...]) -> None:
    """A machine's journal, also of one that is off; options of journalctl follow: lab logs control -- -u ssh -f"""
    argv = argv[1:] if argv[:1] == ("--",) else argv
    sys.exit(run(_lab(site_file).logs(node, argv or ("--lines=200", "--no-pager"))))


def _at(made: Lab, place: str, argv: tuple[str, ...], console: bool, terminal: bool) -> list[str]:
    if place in {each.name for each in made.wiring.places}:
        return made.command(place, argv or ("bash",))
    if console:
        return made.console(place, argv)
    return made.ssh(place, argv, terminal=terminal and sys.stdin.isatty())


def _show(found: Status) -> None:
    console = out()
    machines = Table(box=None, pad_edge=False)
    for heading in ("MACHINE", "STATE", "ADDRESS", "UP", "PID", "MEMORY", "PROCESSES"):
        machines.add_column(heading)
    for each in found.machines:
        machines.add_row(
            each.name,
            each.state,
            each.address,
            "" if each.uptime is None else _duration(each.uptime),
            str(each.pid or ""),
            "" if each.memory is None else f"{each.memory:.0f} MiB",
            str(each.processes or ""),
        )
    places = Table(box=None, pad_edge=False)
    for heading in ("PLACE", "STATE", "ADDRESSES"):
        places.add_column(heading)
    for place in found.places:
        places.add_row(place.name, "up" if place.up else "off", " ".join(place.addresses))
    wires = Table(box=None, pad_edge=False)
    for heading in ("WIRE", "PLUGGED IN"):
        wires.add_column(heading)
    for wire, ports in found.wires.items():
        wires.add_row(wire, " ".join(ports))
    for table in (machines, places, wires):
        console.print(table)
        console.print()
    console.print(f"host: {'walled off from the lab' if found.walled else 'no unreachable routes: the lab is not up'}")


def _duration(seconds: float) -> str:
    """Seconds as `12 s`, `3 min`, `5 h`, `2 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
