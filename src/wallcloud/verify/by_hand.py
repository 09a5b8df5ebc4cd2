"""The command that repeats a probe by hand: with programs that nodes and workstations have, and without a secret.

Debian's base has neither nc nor ping nor tcpdump, and a node gets nothing that its components do not need: what is used
here is bash, coreutils, util-linux, iproute2, openssl, and curl outside.

A part writes the command as who stands beside `site.yaml` of a lab types it: `wallcloud …`, or `NODE# …` for a shell
of root's on a node. `completed` makes of it what can be copied.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace

from wallcloud.verify.expectation import Part, Seen

_AT, _VERIFY = "wallcloud lab exec ", "wallcloud verify "
_ON_NODE = re.compile(r"([a-z][a-z0-9-]*)# (.*)", re.DOTALL)
Run = Callable[[str, str], str]
"""(place, command of a shell) → the command that runs it there."""


def at(place: str, argv: Iterable[str]) -> str:
    """Runs a program at a place: a node, as root, or office, admin, router."""
    return f"{_AT}{place} -- {shlex.join(argv)}"


def again(part: str, expectation: str) -> str:
    """The probe itself once more: where a hand would need a secret, or a packet that no program makes."""
    return f"{_VERIFY}--part {part} --only {shlex.quote(literally(expectation))}"


def literally(expectation: str) -> str:
    """An id as a pattern (fnmatch) that means it alone."""
    return re.sub(r"([*?[])", r"[\1]", expectation)


def connect(address: str, port: int, seconds: int = 2) -> list[str]:
    """TCP by bash's own /dev/tcp (bash(1), REDIRECTION). Exit status: 0 open, 1 refused, and it says so, 124 silent."""
    return ["timeout", str(seconds), "bash", "-c", f"</dev/tcp/{address}/{port}"]


def on_lab(site: str) -> Run:
    """`site` is ` --site FILE`, or nothing where that is the default."""
    return lambda place, command: f"wallcloud lab exec{site} {place} -- {command}"


def on_hosts(hosts: Mapping[str, str]) -> Run:
    """Workstations by SSH; on a node it is for the operator to say how he becomes root there."""
    return lambda place, command: (
        f"ssh {hosts[place]} -- {shlex.quote(command)}" if place in hosts else f"{place}# {command}"
    )


def completed(parts: Iterable[Part], site: str, run: Run, names: Container[str]) -> tuple[Part, ...]:
    """The parts with commands that can be copied. `names`: parts that `wallcloud verify --part` knows; where their
    expectations have no command of their own it is that one."""

    def one(part: Part, seen: Seen) -> Seen:
        text = seen.probe.repeat or (again(part.name, seen.probe.id) if part.name in names else "")
        if text.startswith(_AT):
            place, _, command = text.removeprefix(_AT).partition(" -- ")
            text = run(place, command)
        elif (on_node := _ON_NODE.fullmatch(text)) is not None:
            text = run(on_node[1], shlex.join(["bash", "-c", on_node[2]]))
        elif text.startswith(_VERIFY):
            text = f"wallcloud verify{site} {text.removeprefix(_VERIFY)}"
        return seen if text == seen.probe.repeat else replace(seen, probe=replace(seen.probe, repeat=text))

    return tuple(replace(part, seen=tuple(one(part, seen) for seen in part.seen)) for part in parts)
