"""What a running unit was started with: its stamp, written by the unit itself, compared with what is wanted.

A unit's `ExecStartPre=+` notes in /run/wallcloud/started/UNIT, one line each as sha256sum(1) writes it: the digest of
the *loaded* definition (it stands in the line itself), of the unit's file and its drop-ins, and of each input. Since
systemd runs that line at every start, no hand edit, crash or `daemon-reload` can make a stamp say what is not so; a
file that changes between stamp and start makes the stamp too old, which costs a restart and deceives nobody.
"""

from hashlib import sha256
from pathlib import Path

from wallcloud.node.resource import Context

STAMP_PATH = "/usr/lib/wallcloud/stamp"
STARTED = "/run/wallcloud/started"
DEFINITION = "@DEFINITION@"
"""In a unit's text: replaced by the digest of that text when the file is written."""

STAMP_SCRIPT = r"""#!/bin/sh
# Wallcloud: notes what a unit was started with, or has just reloaded.
#   stamp start UNIT DEFINITION PATH...   before a start: DEFINITION is the digest of the loaded unit
#   stamp reload UNIT PATH...             before a reload
#   stamp reloaded UNIT                   after a reload that worked
set -eu
umask 077
action=$1 unit=$2
shift 2
folder=/run/wallcloud/started
mkdir -p -m 755 /run/wallcloud
mkdir -p "$folder"

digests() { # a path that is no file has no line
    sha256sum -- "$@" 2>/dev/null || :
}

case $action in
start)
    definition=$1
    shift
    etc=/etc/systemd/system run=/run/systemd/system
    {
        echo "$definition  definition"
        digests "$etc/$unit" "$etc/$unit.d"/*.conf "$run/$unit.d"/*.conf \
            "$etc.control/$unit.d"/*.conf "$run.control/$unit.d"/*.conf "$@"
    } >"$folder/.$unit"
    mv -f "$folder/.$unit" "$folder/$unit"
    rm -f "$folder/.$unit.reload"
    ;;
reload)
    digests "$@" >"$folder/.$unit.reload"
    ;;
reloaded)
    [ -f "$folder/.$unit.reload" ] || exit 0
    awk 'NR == FNR { seen[substr($0, 67)] = 1; print; next } !(substr($0, 67) in seen)' \
        "$folder/.$unit.reload" "$folder/$unit" >"$folder/.$unit"
    mv -f "$folder/.$unit" "$folder/$unit"
    rm -f "$folder/.$unit.reload"
    ;;
esac
"""


def stamp_lines(restart: tuple[str, ...], reload: tuple[str, ...] = (), command: str = "") -> str:
    """The lines for a unit's [Service] that keep its stamp. `restart` and `reload` are the paths of its inputs.

    `command` is the daemon's own ExecReload command (more than one: a line each); with `reload` inputs it is needed.
    Raises ValueError.
    """
    if reload and not command:
        raise ValueError(f"inputs to reload ({', '.join(reload)}) need the daemon's own reload command")
    for path in (*restart, *reload):
        if any(char in path for char in " \t\n%$\"'\\;"):
            raise ValueError(f"a path with a character that systemd would read otherwise: {path}")
    start = f"ExecStartPre=+{STAMP_PATH} start %n {DEFINITION} {' '.join((*restart, *reload))}".rstrip()
    if not command:
        return f"{start}\n"
    own = "".join(f"ExecReload={line}\n" for line in command.splitlines() if line.strip())
    if not reload:
        return f"{start}\n{own}"
    before = f"ExecReload=+{STAMP_PATH} reload %n {' '.join(reload)}\n"
    return f"{start}\n{before}{own}ExecReload=+{STAMP_PATH} reloaded %n\n"


def with_definition(text: str) -> tuple[str, str]:
    """(the unit's file, the digest of the definition that stands in it)."""
    digest = sha256(text.encode()).hexdigest()
    return text.replace(DEFINITION, digest), digest


def read(unit: str) -> dict[str, str] | None:
    """{path or "definition": sha256}; None where the unit left no stamp."""
    try:
        rows = (Path(STARTED) / unit).read_text().splitlines()
    except OSError:
        return None
    return {row[66:]: row[:64] for row in rows}


def digest_on_disk(ctx: Context, path: str) -> str | None:
    """sha256 of the file at `path`; None where there is none (as the stamp has no line then)."""
    return ctx.cached(f"digest {path}", lambda: _digest(path))


def _digest(path: str) -> str | None:
    try:
        return sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None
