"""Who listens on the node already: every TCP and UDP socket of its own network namespace (ss(8))."""

import re
from pathlib import Path
from typing import Any

from wallcloud.node.run import run

_PROGRAM = re.compile(r'\("(?P<name>[^"]+)",pid=(?P<pid>\d+)')
_UNIT = re.compile(r"/([^/]+\.(?:service|socket|scope))(?:/|$)", re.MULTILINE)


def listening() -> list[dict[str, Any]]:
    """One row for each: protocol, address ("*" or "0.0.0.0" = all), port, program and its systemd unit."""
    rows = run(("ss", "--no-header", "--tcp", "--udp", "--listening", "--numeric", "--processes")).stdout.splitlines()
    return [_row(row.split()) for row in rows]


def _row(words: list[str]) -> dict[str, Any]:
    address, _, port = words[4].rpartition(":")
    owner = _PROGRAM.search(words[6]) if len(words) > 6 else None
    return {
        "protocol": words[0],
        "address": address.strip("[]").partition("%")[0],
        "port": int(port) if port.isdigit() else 0,
        "program": owner["name"] if owner else "",
        "unit": _unit(owner["pid"]) if owner else "",
    }


def _unit(pid: str) -> str:
    """The unit that a process belongs to, from its control group; empty where it has gone or has none."""
    try:
        found = _UNIT.findall(Path("/proc", pid, "cgroup").read_text())
    except OSError:
        return ""
    return found[-1] if found else ""
