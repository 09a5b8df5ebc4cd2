"""What systemd says of units: all of a spec asked in one call, all others listed in another (systemctl(1), 252)."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from wallcloud.frozen import frozen
from wallcloud.node.failure import ResourceFailed
from wallcloud.node.resource import Context
from wallcloud.node.run import run, tail

FOLDER = "/etc/systemd/system"
START_SECONDS = 900
"""More than any unit's own TimeoutStartSec: systemd is to give up first, with its own words."""

_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,DropInPaths,FragmentPath,InvocationID,Result,Job"
)


@frozen
class Status:
    """One unit as `systemctl show` tells it; field names are the properties'."""

    unit: str
    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    enabled: str = ""
    need_reload: bool = False
    drop_ins: tuple[str, ...] = ()
    fragment: str = ""
    invocation: str = ""
    result: str = ""
    job: bool = False


def booted() -> bool:
    """Whether systemd is this node's init (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")  # noqa: PTH112 - read on every plan


def status(ctx: Context, unit: str) -> Status:
    """What systemd says of `unit`; all absent where systemd does not run.

    All units of the spec are asked about at once until the first change; then only the one that is wanted: the next
    change follows soon, and systemd has some two milliseconds of work for each.
    """
    if not ctx.disturbed:
        return ctx.cached("units", lambda: _ask(ctx)).get(unit, Status(unit))
    return Status(unit) if "@." in unit else ctx.cached(f"unit {unit}", lambda: now(unit))


def loaded(ctx: Context) -> Mapping[str, Status]:
    """Every unit that systemd has in memory, with its load, active and sub alone.

    systemctl asks for all of some 250 properties of a unit whichever it shows, two milliseconds for each unit: who
    needs no more than these asks here.
    """
    return ctx.cached("loaded units", _list)


def _list() -> dict[str, Status]:
    if not booted():
        return {}
    rows = json.loads(run(("systemctl", "list-units", "--all", "--full", "--output=json")).stdout or "[]")
    return {each["unit"]: Status(each["unit"], each["load"], each["active"], each["sub"]) for each in rows}


def show(*names: str) -> tuple[Status, ...]:
    """Asks systemd about `names` now: one Status for each name, in order."""
    if not names or not booted():
        return ()
    answer = run(("systemctl", "show", "--property", _PROPERTIES, "--", *names), check=False).stdout
    return tuple(_status(block) for block in answer.strip("\n").split("\n\n") if block)


def now(unit: str) -> Status:
    """What systemd says of one unit at this moment; all absent where it says nothing."""
    return next(iter(show(unit)), Status(unit))


def systemctl(*arguments: str, hint: str = "") -> None:
    """`systemctl ARGUMENTS`; nothing where systemd does not run (a machine root that was not started)."""
    if booted():
        run(("systemctl", *arguments), timeout=START_SECONDS, hint=hint)


class _Reloading:
    """One daemon-reload serves all who asked before it began: it takes all of systemd's attention for a while."""

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._begun = 0

    def __call__(self) -> None:
        seen = self._begun
        with self._one:
            if self._begun == seen:
                self._begun += 1
                systemctl("daemon-reload")


daemon_reload = _Reloading()


def forget_failures(*units: str) -> None:
    """Clears what failed and how often it started: the rate limit is for crashes, not for an operator's applies."""
    if booted() and units:
        run(("systemctl", "reset-failed", "--", *units), check=False)


def start(verb: str, unit: str) -> None:
    """Starts, restarts or reloads `unit`; raises ResourceFailed with the last lines of its journal."""
    if not booted():
        raise ResourceFailed(f"systemd does not run here, so {unit} cannot", tried=f"systemctl {verb} {unit}")
    done = run(("systemctl", verb, "--", unit), timeout=START_SECONDS, check=False)
    if not done.ok:
        raise unit_failed(unit, f"systemctl {verb} {unit}", done.stderr)


def unit_failed(unit: str, tried: str, said: str = "") -> ResourceFailed:
    """The error of a unit that does not run: its journal is what helps."""
    found = now(unit)
    result = f" (result: {found.result})" if found.result not in {"", "success"} else ""
    return ResourceFailed(
        f"{unit} is {found.active}{result}",
        tried=tried,
        output=journal(unit) or tail(said),
        hint=f"the whole story on the node: journalctl -u {unit}",
    )


def journal(unit: str, count: int = 15) -> tuple[str, ...]:
    """The last lines that `unit` (or systemd about it) wrote."""
    argv = ("journalctl", "--no-pager", "--quiet", "--output=cat", f"--lines={count}", f"--unit={unit}")
    return tail(run(argv, check=False).stdout, count)


def in_etc(unit: str) -> str:
    """Where the file of a unit of ours is."""
    return str(Path(FOLDER) / unit)


def drop_ins(unit: str, status: Status) -> tuple[str, ...]:
    """Drop-ins that someone made for this unit, in /etc or /run, loaded or not; those for all units of a type stay."""
    folders = [f"{base}/{unit}.d" for base in (FOLDER, "/run/systemd/system")]
    lying = [str(path) for folder in folders for path in Path(folder).glob("*.conf")]
    loaded = [
        path
        for path in status.drop_ins
        if path.startswith(("/etc/", "/run/")) and Path(path).parent.name != f"{unit.rpartition('.')[2]}.d"
    ]
    return tuple(sorted({*lying, *loaded}))


def mount_unit(path: str) -> str:
    """The unit that mounts at an absolute `path`: its name is the path's (systemd-escape(1), --path)."""
    kept = (each if (each.isascii() and each.isalnum()) or each in ":_." else rf"\x{ord(each):02x}" for each in path)
    return "-".join("".join(kept).replace(r"\x2f", "/").strip("/").split("/")) + ".mount"


def _ask(ctx: Context) -> dict[str, Status]:
    wanted = sorted({unit for each in ctx.resources for unit in each.asked_units() if "@." not in unit})
    # An alias answers under the name of the unit it stands for: names answer in order.
    return dict(zip(wanted, show(*wanted), strict=False))


def _status(block: str) -> Status:
    raw = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return Status(
        unit=raw.get("Id", ""),
        load=raw.get("LoadState", ""),
        active=raw.get("ActiveState", ""),
        sub=raw.get("SubState", ""),
        enabled=raw.get("UnitFileState", ""),
        need_reload=raw.get("NeedDaemonReload") == "yes",
        drop_ins=tuple(raw.get("DropInPaths", "").split()),
        fragment=raw.get("FragmentPath", ""),
        invocation=raw.get("InvocationID", ""),
        result=raw.get("Result", ""),
        job=raw.get("Job", "0") not in {"", "0"},
    )
