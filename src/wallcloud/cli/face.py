"""How every verb meets its user: the site, the error, the exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TextIO, TypeVar

import click
from rich.console import Console

from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded, SiteError, load

P = ParamSpec("P")
R = TypeVar("R")

FINE, ANSWER_IS_NO, WRONG_USE = 0, 1, 2

site_option = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    default=Path("site.yaml"),
    show_default=True,
    help="The site file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def out() -> Console:
    """Where answers go."""
    return Console(highlight=False, **_width(sys.stdout))


def err() -> Console:
    """Where progress and errors go."""
    return Console(stderr=True, highlight=False, **_width(sys.stderr))


def _width(stream: TextIO) -> dict[str, Any]:
    """A file or pipe has no width: tables get one that most readers scroll happily, lines are never folded."""
    return {} if stream.isatty() else {"width": 200, "soft_wrap": True}


def show_error(error: WallcloudError) -> None:
    """An error as a user sees it: what, where, what the program said, what mends it."""
    console = err()
    if isinstance(error, SiteError):
        for line in error.output:
            console.print(line, markup=False)
        console.print(f"{error.what}: {error.hint}", markup=False)
        return
    where = f"{error.where}: " if error.where else ""
    console.print(f"error: {where}{error.what}", style="bold red", markup=False)
    for line in error.output:
        console.print(f"  | {line}", markup=False)
    if error.hint:
        console.print(f"  hint: {error.hint}", markup=False)


def faced(function: Callable[P, R]) -> Callable[P, R]:
    """Turns WallcloudError into its text and exit status 1; a traceback never reaches a user."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except WallcloudError as error:
            show_error(error)
            raise SystemExit(ANSWER_IS_NO) from None

    return run


def load_site(site_file: Path) -> Loaded:
    """The site, or its findings as an error."""
    return load(site_file)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, default=str))
