"""Starts what shall outlive this command: as a unit where systemd is PID 1, else in a session of its own."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from wallcloud.lab import kernel

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def start(unit: str, argv: Sequence[str], log: Path) -> None:
    """Starts `argv` with a plain environment, its output appended to `log`. `unit` is its name where units exist."""
    if not kernel.systemd():
        with log.open("ab") as output:
            subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={"PATH": PATH, "LC_ALL": "C.UTF-8"},
                cwd="/",
            )
        return
    kernel.run(
        (
            *("systemd-run", "--quiet", "--collect", f"--unit={unit}", "--slice=machine.slice"),
            *("--property=Delegate=yes", "--property=KillMode=mixed", "--property=TasksMax=infinity"),
            *(f"--property=StandardOutput=append:{log}", f"--property=StandardError=append:{log}"),
            *(f"--setenv=PATH={PATH}", "--setenv=LC_ALL=C.UTF-8", "--", *argv),
        )
    )


def forget(units: str) -> None:
    """Stops and forgets the units that match a pattern, where units exist."""
    if kernel.systemd():
        subprocess.run(("systemctl", "stop", "--quiet", units), capture_output=True, check=False)
        subprocess.run(("systemctl", "reset-failed", "--quiet", units), capture_output=True, check=False)
