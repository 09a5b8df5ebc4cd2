"""`wallcloud logs`: what the cloud's services say, of all nodes, in the order of time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import click
from rich.text import Text

from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    WrongUse,
    chosen_nodes,
    err,
    faced,
    json_option,
    known,
    load_site,
    node_option,
    out,
    role_option,
    site_option,
)
from wallcloud.deploy.journals import REQUEST, Entry, Journals, Question
from wallcloud.deploy.prepare import known_design
from wallcloud.deploy.run import ssh_config_there, target
from wallcloud.design.compile import Design
from wallcloud.node.resources import Unit

LINES = 200
_COLORS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green", "bright_magenta")
_DURATION = re.compile(r"(\d+)(s|min|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_LEVEL = re.compile(r"(CRITICAL|ERROR|WARNING)\b")
"""How a line of oslo.log begins that is worth a colour."""
_ERR, _WARNING = 3, 4
"""Priorities of syslog(3)."""


class Moment(click.ParamType[float]):
    """A time of this computer's clock, or how long ago; as seconds since 1970."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if not isinstance(value, str):
            return value
        if ago := _DURATION.fullmatch(value):
            return time.time() - int(ago[1]) * _SECONDS[ago[2]]
        today = datetime.now().astimezone().date()
        for text in (value, f"{today} {value}"):
            with suppress(ValueError):
                return datetime.fromisoformat(text).timestamp()
        raise click.BadParameter(
            f"{value!r} is no time: say 90s, 10m, 2h, 3d, 14:05 or '2026-11-23 14:05'", ctx=ctx, param=param
        )


@click.command()
@click.argument("components", nargs=-1)
@site_option
@node_option
@role_option
@click.option("--since", type=Moment(), help="From then on: 10m, 2h, 14:05, '2026-11-23 14:05'.")
@click.option("--until", type=Moment(), help="Up to then.")
@click.option(
    "--lines", type=click.IntRange(1), help=f"So many last lines.  [default: {LINES}; with --since or --request: all]"
)
@click.option("--request", help="Only lines of this request (req-…), on whatever node it came by.")
@click.option("--grep", help="Only lines that match this pattern (PCRE; lower case matches both cases).")
@click.option("--everything", is_flag=True, help="Also what is not Wallcloud's: kernel, logins, system units.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@json_option
@faced
def logs(
    components: tuple[str, ...],
    site_file: Path,
    nodes: tuple[str, ...],
    roles: tuple[str, ...],
    since: float | None,
    until: float | None,
    lines: int | None,
    request: str | None,
    grep: str | None,
    everything: bool,
    follow: bool,
    as_json: bool,
) -> None:
    """Show what the cloud's services say, of all nodes, in the order of time.

    COMPONENTS are named as in `wallcloud show nodes`; without, all are shown. Times are this computer's. Exit status 1
    where a node could not be asked.
    """
    loaded = load_site(site_file)
    chosen = chosen_nodes(loaded, nodes, roles)
    if request is not None and not REQUEST.fullmatch(request):
        raise WrongUse(f"{request} is no request's id", hint="it looks like req-5b7c1b1e-0b2f-4c53-9f44-0c6f3a1c2d11")
    if request and grep:
        raise WrongUse("--request and --grep exclude each other")
    if everything and components:
        raise WrongUse("--everything and components exclude each other")
    design = known_design(loaded)
    units = {node: units_of(design, node) for node in chosen}
    there = {name for of in units.values() for name in of}
    known(there, components, "component with a unit on these nodes")
    wanted = {*components} or there
    ssh_config_there(loaded)
    if lines is None and since is None and request is None:
        lines = LINES
    asked = {
        node: Question(
            units=() if everything else tuple(unit for name, its in of.items() if name in wanted for unit in its),
            since=since,
            until=until,
            lines=lines,
            grep=grep or re.escape(request or ""),
            follow=follow,
        )
        for node, of in units.items()
        if of.keys() & wanted
    }
    with Journals([target(loaded, node) for node in asked], asked) as journals:
        # Each node gives its last ones, of which the last of all are shown.
        entries = journals.lines() if follow or lines is None else journals.last(lines)
        _print(entries, tuple(asked), as_json)
    for node, why in journals.lost.items():
        err().print(f"{node}: {why}", style="bold red", markup=False)
    raise SystemExit(ANSWER_IS_NO if journals.lost else FINE)


def units_of(design: Design, node: str) -> dict[str, list[str]]:
    """Component → its units on that node, which are wherever it has some."""
    found: dict[str, list[str]] = {}
    for each in design.specs[node].resources:
        if isinstance(each, Unit):
            found.setdefault(each.component, []).append(each.unit)
    return found


def _print(entries: Iterable[Entry], nodes: tuple[str, ...], as_json: bool) -> None:
    console = out()
    colors = dict(zip(nodes, cycle(_COLORS), strict=False))
    width = max(map(len, nodes), default=0)
    for entry in entries:
        if as_json:
            click.echo(json.dumps(_json(entry)))
        else:
            console.print(_line(entry, colors[entry.node], width), soft_wrap=True)


def _json(entry: Entry) -> dict[str, str | int]:
    at = datetime.fromtimestamp(entry.at / 1e6, UTC)
    return {
        "time": at.isoformat(timespec="microseconds"),
        "node": entry.node,
        "source": entry.source,
        "priority": entry.priority,
        "message": entry.message,
    }


def _line(entry: Entry, color: str, width: int) -> Text:
    at = datetime.fromtimestamp(entry.at / 1e6).astimezone()
    line = Text(f"{at:%m-%d %H:%M:%S}.{entry.at // 1000 % 1000:03d} ", style="dim default")
    line.append(f"{entry.node:<{width}} ", style=color)
    line.append(f"{entry.source} ", style="bold")
    return line.append(entry.message, style=_style(entry))


def _style(entry: Entry) -> str:
    """What the program itself calls it counts, and what it told the journal."""
    level = _LEVEL.match(entry.message)
    if entry.priority <= _ERR or (level and level[0] != "WARNING"):
        return "red"
    return "yellow" if level or entry.priority == _WARNING else "default"
