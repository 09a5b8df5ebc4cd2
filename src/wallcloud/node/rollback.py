"""A timer on the node that brings the old firewall back unless it is disarmed; it outlives the session and converge.

The old rules lie in /run/wallcloud/firewall/<table>-<token>. Who renames that file first decides: the timer (and then
loads it) or `disarm`. So a confirmation and the timer can never both win, and an apply killed in between leaves a file
that `armed` finds and the next apply takes over.
"""

import os
from contextlib import suppress
from pathlib import Path

from wallcloud.node import nft, systemd
from wallcloud.node.failure import ResourceFailed
from wallcloud.node.run import run

FOLDER = Path("/run/wallcloud/firewall")


def armed(table: str) -> bool:
    """Whether some change of the table still waits for its confirmation."""
    return bool(_tokens(table))


def arm(table: str, old: str | None, seconds: int) -> Path:
    """Has `old` (None = no table) brought back in `seconds`.

    Where an earlier change was never confirmed, what was there before that one is brought back instead.
    """
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = FOLDER / f"{table}-{os.getpid()}-{os.urandom(4).hex()}"
    earlier = _tokens(table)
    taken = False
    for each in earlier[:1]:
        with suppress(FileNotFoundError):
            each.rename(token)
            taken = True
    if not taken:
        token.write_text(nft.replacement(table, old))
    for each in earlier[1:]:
        each.unlink(missing_ok=True)
    _start(token, seconds)
    return token


def disarm(token: Path) -> bool:
    """Calls the timer off; False where it was first."""
    try:
        token.unlink()
    except FileNotFoundError:
        return False
    _stop(token)
    return True


def now(token: Path) -> None:
    """Brings the old rules back at once and raises ResourceFailed that says so."""
    fired = token.with_suffix(".fired")
    with suppress(FileNotFoundError):
        token.rename(fired)
        run(("nft", "-f", str(fired)))
        fired.unlink()
    _stop(token)
    raise ResourceFailed(
        "the new firewall was not confirmed over a new connection: the old rules are back",
        tried="nft -f -, then waited for a new SSH connection from the deployer",
        hint="do the site's admin_prefixes hold the address that you deploy from?",
    )


def _tokens(table: str) -> list[Path]:
    if not FOLDER.is_dir():
        return []
    return sorted(each for each in FOLDER.iterdir() if each.name.startswith(f"{table}-") and each.suffix == "")


def _unit(token: Path) -> str:
    return f"wallcloud-rollback-{token.name}"


def _stop(token: Path) -> None:
    if systemd.booted():
        run(("systemctl", "stop", f"{_unit(token)}.timer"), check=False)


def _start(token: Path, seconds: int) -> None:
    restore = 'mv "$0" "$0.fired" && nft -f "$0.fired" && rm -f "$0.fired"'
    if systemd.booted():
        options = (f"--unit={_unit(token)}", "--collect", "--quiet", "--timer-property=AccuracySec=100ms")
        run(("systemd-run", *options, f"--on-active={seconds}", "sh", "-c", restore, str(token)))
    else:
        script = f"sleep {seconds} >/dev/null 2>&1; {restore}"
        run(("setsid", "--fork", "sh", "-c", f"({script}) </dev/null >/dev/null 2>&1 &", str(token)))
