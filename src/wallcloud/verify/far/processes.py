"""The processes of a node as /proc shows them: account, unit, and what their descriptors refer to."""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def numbers() -> Iterator[int]:
    """Process ids."""
    yield from (int(each.name) for each in PROC.iterdir() if each.name.isdigit())


def name_of(uid: int) -> str:
    """An account's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def unit_of(pid: int) -> str:
    """The unit that a process belongs to (cgroups(7)): the last part of its control group that is one, else ""."""
    with suppress(OSError), (PROC / str(pid) / "cgroup").open(encoding="utf-8") as lines:
        for line in lines:
            number, controllers, path = line.rstrip("\n").split(":", 2)
            if number == "0" or controllers == "name=systemd":
                for part in reversed(path.split("/")):
                    if part.endswith((".service", ".scope", ".socket")):
                        return part
    return ""


def about_name(pid: int) -> str:
    """A process's name, "" where it is gone."""
    with suppress(OSError):
        return (PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    return ""


def about(pid: int) -> dict[str, Any]:
    """`{pid, account, name, unit}`; the account is that of the effective uid. Raises OSError where it is gone."""
    found: dict[str, Any] = {"pid": pid, "unit": unit_of(pid)}
    with (PROC / str(pid) / "status").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key == "Name":
                found["name"] = value.strip()
            elif key == "Uid":
                found["account"] = name_of(int(value.split()[1]))
    return found


def descriptors(pid: int) -> Iterator[tuple[Path, str]]:
    """The open descriptors of a process, and what each refers to: `socket:[N]`, `net:[N]`, a path."""
    with suppress(OSError):
        for each in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                yield each, str(each.readlink())
