"""How every verb meets its user: the site, the error, the exit status."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TextIO, TypeVar

import click

from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded, SiteError, load
from wallcloud.site.model import Role

if TYPE_CHECKING:
    from rich.console import Console

    from wallcloud.site.finding import Finding

P = ParamSpec("P")
R = TypeVar("R")

FINE, ANSWER_IS_NO, WRONG_USE = 0, 1, 2
MOST_NAMES = 20
"""So many stand in a hint."""

site_option = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    default=Path("site.yaml"),
    show_default=True,
    help="The site file.",
)
node_option = click.option("--node", "nodes", multiple=True, help="Only this node (may be given again).")
role_option = click.option(
    "--role", "roles", multiple=True, type=click.Choice([str(role) for role in Role]), help="Only nodes of this role."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


class WrongUse(WallcloudError):
    """The command was told something that cannot be: exit status 2."""


def out() -> Console:
    """Where answers go."""
    return _console(sys.stdout)


def err() -> Console:
    """Where progress and errors go."""
    return _console(sys.stderr, stderr=True)


def _console(stream: TextIO, **options: Any) -> Console:
    from rich.console import Console  # noqa: PLC0415 - the verbs that only print do without it

    # A file or pipe has no width: tables get one that most readers scroll happily, lines are never folded.
    shape: dict[str, Any] = {} if stream.isatty() else {"width": 200, "soft_wrap": True}
    return Console(highlight=False, **shape, **options)


def show_error(error: WallcloudError) -> None:
    """An error as a user sees it: what, where, what the program said, what mends it."""
    if isinstance(error, SiteError):
        lines = list(error.output)
        if not _unreadable(error):
            lines.append(f"{error.what}: {error.hint}")
    else:
        where = f"{error.where}: " if error.where else ""
        lines = [click.style(f"error: {where}{error.what}", fg="red", bold=True)]
        lines += [f"  | {line}" for line in error.output]
        lines += [f"  hint: {error.hint}"] if error.hint else []
    for line in lines:
        click.echo(line, err=True)


def coloured(finding: Finding) -> str:
    """The finding's own words, its severity in colour; click leaves the colour out where no terminal is."""
    if "NO_COLOR" in os.environ:
        return finding.render()
    mark = click.style(f"{finding.severity}:", fg="red" if finding.severity == "error" else "yellow", bold=True)
    return finding.render().replace(f": {finding.severity}:", f": {mark}", 1)


def status_of(error: WallcloudError) -> int:
    """The exit status that an error stands for."""
    wrong = isinstance(error, WrongUse) or (isinstance(error, SiteError) and _unreadable(error))
    return WRONG_USE if wrong else ANSWER_IS_NO


def _unreadable(error: SiteError) -> bool:
    return any(finding.id == "unreadable" for finding in error.findings)


def faced(function: Callable[P, R]) -> Callable[P, R]:
    """Turns WallcloudError into its text and exit status; a traceback never reaches a user."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except WallcloudError as error:
            show_error(error)
            raise SystemExit(status_of(error)) from None

    return run


def load_site(site_file: Path) -> Loaded:
    """The site, or its findings as an error."""
    return load(site_file)


def known(
    names: Iterable[str], asked: Iterable[str], what: str, where: object = "", *, thing: str = "the site"
) -> None:
    """Raises WrongUse for the first of `asked` that is none of `names`; `what` they are ("node") and whose."""
    there = tuple(names)
    for name in asked:
        if name not in there:
            raise WrongUse(f"{thing} has no {what} named {name}", where=str(where), hint=_meant(name, there))


def _meant(name: str, there: Sequence[str]) -> str:
    """What is like it; else those that hold it; else what there is: of many a first few."""
    if close := get_close_matches(name, there, 1):
        return f"did you mean {close[0]}?"
    some = [each for each in there if name and name.casefold() in each.casefold()] or there
    more = len(some) - MOST_NAMES
    return f"it has: {', '.join(some[:MOST_NAMES])}{f' and {more} more' if more > 0 else ''}"


def chosen_nodes(loaded: Loaded, nodes: tuple[str, ...], roles: tuple[str, ...]) -> tuple[str, ...]:
    """The nodes named, and those of the roles named; all where nothing is named. Raises WrongUse."""
    known(loaded.site.nodes, nodes, "node", loaded.path)
    if not nodes and not roles:
        return tuple(loaded.site.nodes)
    found = tuple(
        name
        for name, node in loaded.site.nodes.items()
        if name in nodes or any(str(role) in roles for role in node.roles)
    )
    if not found:
        raise WrongUse(f"the site has no node of the role {' or '.join(roles)}", where=str(loaded.path))
    return found


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, default=str))


def option_site(site_file: Path) -> str:
    """` --site FILE` for a command that is suggested, where it must be said."""
    return "" if site_file == Path("site.yaml") else f" --site {shlex.quote(str(site_file))}"
