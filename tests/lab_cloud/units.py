"""Units and their processes on a node, and whether anything was restarted between two looks."""

import json
from dataclasses import dataclass

PROGRAM = """
import json, os, pathlib, subprocess
TICKS = os.sysconf("SC_CLK_TCK")
def fields(pid):
    return pathlib.Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
names = [line.split()[0] for line in run("systemctl", "list-units", "--plain", "--no-legend", "--type=service",
         "--state=running", "wallcloud-*", "ssh.service").splitlines()]
found = {"systemd": {"start": fields("1")[19], "main": "1", "lasting": {}}}
for name in names:
    told = dict(line.split("=", 1) for line in run("systemctl", "show", "--property=MainPID,InvocationID",
                name).splitlines())
    found[name] = {"start": told["InvocationID"], "main": told["MainPID"], "lasting": {}}
now = float(pathlib.Path("/proc/uptime").read_text().split()[0])
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        unit = pathlib.Path("/proc", pid, "cgroup").read_text().strip().rpartition("/")[2]
        start = fields(pid)[19]
        command = pathlib.Path("/proc", pid, "comm").read_text().strip()
    except OSError:
        continue
    if unit == "ssh.service" and pid != found[unit]["main"]:
        continue
    if unit in found and now - int(start) / TICKS > 20 and command != "apache2":
        found[unit]["lasting"][pid] = start + " " + command
print(json.dumps({name: unit for name, unit in found.items() if "@" not in name or unit["lasting"]}))
"""
"""Prints every running unit of Wallcloud's, sshd and systemd.

Lasting processes are those older than 20 s: younger ones may be commands that a daemon runs, and instances of a unit
(`@`) without a lasting process are such commands. Apache's children come and
go with the load; its first process is the unit's main one.
"""


@dataclass(frozen=True)
class Unit:
    """One unit: which start of it this is, its main process, and {pid: when it started, in ticks, and its name}."""

    start: str
    main: str
    lasting: dict[str, str]


Units = dict[str, Unit]


def parsed(text: str) -> Units:
    """What PROGRAM printed."""
    return {name: Unit(**told) for name, told in json.loads(text).items()}


def harmed(before: Units, after: Units) -> list[str]:
    """What was there before and is no more, or is another one: a line each. What came is no harm."""
    found = []
    for name, unit in before.items():
        now = after.get(name)
        if now is None:
            found.append(f"{name} runs no more")
        elif (now.start, now.main) != (unit.start, unit.main):
            found.append(f"{name} was started anew")
        else:
            gone = [told for pid, told in unit.lasting.items() if now.lasting.get(pid) != told]
            found += [f"{name}: a process is gone or another one: {told}" for told in gone]
    return found


def harmed_anywhere(before: dict[str, Units], after: dict[str, Units]) -> list[str]:
    """The same of several nodes."""
    return [f"{node}: {line}" for node, units in before.items() for line in harmed(units, after.get(node, {}))]
