"""The passphrase of a backup: from a file that nobody else may read, or typed. Never an argument, never in the
environment: others of this computer can read both."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wallcloud.cli.face import WrongUse
from wallcloud.errors import WallcloudError

SHORTEST = 12
_LONGEST = 4096

key_file_option = click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="A file, mode 0600, whose first line is the passphrase; without, it is asked for.",
)


def passphrase(key_file: Path | None, *, new: bool) -> str:
    """The passphrase; a `new` one is typed twice and must have some length. Raises WallcloudError."""
    if key_file is not None:
        found = _of(key_file)
    elif sys.stdin.isatty():
        found = click.prompt("Passphrase of the backup", hide_input=True, confirmation_prompt=new, err=True)
    else:
        raise WrongUse("there is no terminal to type the passphrase at", hint="--key-file FILE has it in a file")
    if new and len(found) < SHORTEST:
        raise WallcloudError(
            f"the passphrase has {len(found)} characters, fewer than {SHORTEST}",
            where=str(key_file or ""),
            hint="whoever finds the backup may try for years: (umask 077; openssl rand -hex 32 >backup.key)",
        )
    return found


def _of(key_file: Path) -> str:
    try:
        with key_file.open("rb") as file:
            mode = key_file.stat().st_mode & 0o777
            first = file.read(_LONGEST).partition(b"\n")[0].rstrip(b"\r")
        text = first.decode()
    except OSError as error:
        raise WallcloudError(f"the key file cannot be read: {error.strerror}", where=str(key_file)) from error
    except UnicodeDecodeError:
        raise WallcloudError(
            "the key file's first line is no text",
            where=str(key_file),
            hint="(umask 077; openssl rand -hex 32 >backup.key)",
        ) from None
    if mode & 0o077:
        raise WallcloudError(
            f"the key file is open to others (mode {mode:04o})", where=str(key_file), hint=f"chmod 600 {key_file}"
        )
    if not text:
        raise WallcloudError("the key file's first line is empty", where=str(key_file))
    return text
