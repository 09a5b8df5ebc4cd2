"""Transient systemd units: work that goes on when the process, the session and the deployer that began it are gone."""

import re
import time
from pathlib import Path

from wallcloud.node.failure import ResourceFailed
from wallcloud.node.run import run, tail

# The work needs its database socket, its configuration and nothing else
SANDBOX = (
    *("NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes"),
    *("PrivateDevices=yes", "ProtectKernelModules=yes", "ProtectKernelTunables=yes", "ProtectControlGroups=yes"),
    *("RestrictSUIDSGID=yes", "RestrictNamespaces=yes", "UMask=0077", "WorkingDirectory=/"),
)


def loaded(unit: str) -> bool:
    """Whether systemd has a transient `unit` of that name: it has not ended. Cheap: for reads."""
    return Path("/run/systemd/transient", unit).exists()


def running(unit: str) -> bool:
    """Whether `unit` is at work (or about to be, or about to end)."""
    state = run(("systemctl", "show", "--property=ActiveState", "--value", unit), check=False).stdout.strip()
    return state in {"active", "activating", "deactivating", "reloading"}


def join(unit: str, seconds: int) -> None:
    """Waits until `unit` has ended, however it ends; it is gone at once where it ended meanwhile."""
    # start is a no-op for an active unit, and --wait then ends with it; a unit that is gone is not found
    run(("systemctl", "start", "--wait", unit), timeout=seconds, check=False, hint=f"journalctl -u {unit}")


def start(
    unit: str,
    argv: tuple[str, ...],
    account: str,
    environment: tuple[tuple[str, str], ...],
    seconds: int,
    *,
    hint: str = "",
) -> None:
    """Runs `argv` as `unit` under `account` and waits for its end. Raises ResourceFailed with the program's own last
    lines when it fails or is still at it after `seconds` (it is left running then)."""
    since = int(time.time())
    command = (
        *("systemd-run", "--quiet", "--wait", "--collect", f"--unit={unit}", f"--uid={account}"),
        *(f"--property={each}" for each in SANDBOX),
        *(f"--setenv={name}={value}" for name, value in environment),
        *("--", *argv),
    )
    result = run(command, timeout=seconds, check=False, hint=hint)
    if result.ok:
        return
    journal = ("journalctl", "--quiet", "--no-pager", "--output=cat", f"--since=@{since}", f"_SYSTEMD_UNIT={unit}")
    output = _telling(run(journal, check=False).stdout)
    raise ResourceFailed(
        f"{argv[0]} ended with status {result.status}",
        tried=" ".join(argv),
        output=output or tail(result.stderr),
        hint=hint,
    )


def _telling(text: str) -> tuple[str, ...]:
    """The last lines, and before them the last that name an error: SQLAlchemy ends with pages of the statement."""
    lines = tail(text, 1000)
    last = lines[-12:]
    named = [line for line in lines[:-12] if re.search(r"\w(Error|Exception)\b", line)]
    return (*named[-3:], *last)
