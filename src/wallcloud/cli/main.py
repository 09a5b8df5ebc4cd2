"""The command: parse, call, show. A verb's file is loaded when the verb is called."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import click

from wallcloud import __version__
from wallcloud.errors import WallcloudError

INTERRUPTED = 130


class _Verb(NamedTuple):
    file: str
    help: str


VERBS = {
    "new": _Verb("site_verbs", "Write a commented site file to begin with."),
    "check": _Verb("site_verbs", "Check the site file: its shape, and the rules of separation."),
    "show": _Verb("show", "Show what follows from the site: nodes, flows, addresses, limits, files; and the rules."),
    "draw": _Verb("draw_verb", "Draw the site: nodes, networks and flows as SVG or PNG."),
    "build": _Verb("build_verb", "Prepare what nodes need: OpenStack's environment, Debian's packages, a base root."),
    "lab": _Verb("lab_verbs", "The site's hosts, wires, routers and workstations, made on this computer."),
    "preflight": _Verb("preflight_verb", "Try the hosts and their wires with packets, and change nothing."),
    "plan": _Verb("converge_verbs", "Show what apply would change, reading the nodes only."),
    "apply": _Verb("converge_verbs", "Make the nodes what the site says."),
    "verify": _Verb("verify_verb", "Prove the running cloud with real packets."),
    "status": _Verb("status_verb", "Show how the cloud is: every component asked itself, and what is left."),
    "logs": _Verb("logs_verb", "Show what the cloud's services say, of all nodes, in the order of time."),
    "bundle": _Verb("bundle_verb", "Write one file for support, with all secrets left out."),
    "backup": _Verb("backup_verb", "Keep what cannot be made again in one encrypted file."),
    "restore": _Verb("restore_verb", "Make a backup the cloud again, on bare hosts."),
    "rotate": _Verb("rotate_verb", "Renew certificates, passwords and keys, while the cloud serves."),
    "access": _Verb("access_verb", "Write clouds.yaml: how OpenStack's own clients reach the cloud."),
    "schema": _Verb("site_verbs", "Print the JSON Schema of a site file."),
}
"""In the order in which they are used."""


class _Verbs(click.Group):
    """A group that knows its verbs without loading them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        command: click.Command = getattr(import_module(f"wallcloud.cli.{verb.file}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            # Click itself looks at `commands` for what was meant, which is empty here.
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=VERBS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wallcloud")
def wallcloud() -> None:
    """One site file becomes an OpenStack cloud whose networks are kept apart, and the proof that they are.

    \b
    The way: new → check → build → (lab up) → preflight → plan → apply → verify
    Exit status: 0 fine; 1 the answer is no (findings, something to do, a failure); 2 wrong use.
    """


def main() -> None:
    """The entry point. Whatever happens, what a user sees is a sentence."""
    try:
        # Where who reads the output goes away (`| head`), click and rich end quietly with status 1.
        status = wallcloud.main(prog_name="wallcloud", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    except WallcloudError as error:
        status = _told(error)
    except OSError as error:
        status = _told(WallcloudError(error.strerror or str(error), where=str(error.filename or "")))
    except Exception as error:
        status = _told(_fault(error))
    sys.exit(status)


def _told(error: WallcloudError) -> int:
    from wallcloud.cli.face import show_error, status_of  # noqa: PLC0415 - it loads the site's model

    show_error(error)
    return status_of(error)


def _fault(error: Exception) -> WallcloudError:
    """A mistake of ours, in one line; the traceback is for who asks for it."""
    if os.environ.get("WALLCLOUD_TRACEBACK"):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return WallcloudError(
        f"{type(error).__name__}: {error}",
        where=f"{Path(last.filename).name}:{last.lineno}",
        hint="this is a fault of Wallcloud; please report it with what WALLCLOUD_TRACEBACK=1 shows",
    )
