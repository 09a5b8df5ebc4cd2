"""The command: parse, call, show."""

from __future__ import annotations

import sys

import click

from wallcloud import __version__
from wallcloud.cli.build_verb import build
from wallcloud.cli.converge_verbs import apply, plan
from wallcloud.cli.lab_verbs import lab
from wallcloud.cli.show import show
from wallcloud.cli.site_verbs import check, new, schema
from wallcloud.cli.verify_verb import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wallcloud")
def wallcloud() -> None:
    """One site file becomes an OpenStack cloud whose networks are kept apart, and the proof that they are.

    \b
    The way: new → check → build → (lab up) → plan → apply → verify
    Exit status: 0 fine; 1 the answer is no (findings, something to do, a failure); 2 wrong use.
    """


for verb in (new, check, schema, show, build, lab, plan, apply, verify):
    wallcloud.add_command(verb)


def main() -> None:
    """The entry point."""
    try:
        wallcloud.main(prog_name="wallcloud")
    except KeyboardInterrupt:
        sys.exit(130)
