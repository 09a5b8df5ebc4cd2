"""The places that probes start from: the lab's own outside world, or hosts that SSH reaches."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wallcloud.errors import WallcloudError
from wallcloud.verify import prober
from wallcloud.verify.expectation import Probe, Seen

Command = Callable[[str, list[str]], list[str]]
"""(place, argv) → the argv that runs it there."""

ROUTER = "router"
"""The lab's: it has a leg on every routed wire, and holds a way through every node. (On another host such rules would
be that host's own.)"""
LIMIT_SECONDS = 120
_LOADER = "import sys; n=int(sys.stdin.readline()); exec(compile(sys.stdin.read(n), 'prober', 'exec'))"


def over_ssh(hosts: dict[str, str], config: Path | None) -> Command:
    """Places that are real hosts."""

    def command(place: str, argv: list[str]) -> list[str]:
        options = ["-F", str(config)] if config else []
        return ["ssh", "-T", "-o", "BatchMode=yes", *options, "--", hosts[place], shlex.join(argv)]

    return command


def run(probes: Iterable[Probe], command: Command) -> tuple[Seen, ...]:
    """Tries every probe at its place, all places at once. Raises WallcloudError where a place does not answer."""
    by_place: dict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        by_place[probe.place].append(probe)
    with ThreadPoolExecutor(max(1, len(by_place))) as pool:
        parts = pool.map(lambda item: _at(item[0], item[1], command), by_place.items())
    return tuple(seen for part in parts for seen in part)


def _at(place: str, probes: list[Probe], command: Command) -> list[Seen]:
    source = Path(prober.__file__).read_text(encoding="utf-8")
    output: tuple[str, ...] = ()
    told = json.dumps([{"id": probe.id, **probe.what} for probe in probes])
    argv = command(place, ["/usr/bin/python3", "-I", "-c", _LOADER])
    try:
        done = subprocess.run(
            argv,
            input=f"{len(source)}\n{source}{told}\n".encode(),
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        output = tuple(done.stderr.decode(errors="replace").splitlines()[-5:])
        answers = json.loads(done.stdout)
        return [
            Seen(probe, str(answer["outcome"]), str(answer["detail"]))
            for probe, answer in zip(probes, answers, strict=True)
        ]
    except (OSError, ValueError, TypeError, KeyError, subprocess.TimeoutExpired) as error:
        why = f"no answer in {LIMIT_SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else ""
        why = why or (f"{argv[0]}: {error.strerror}" if isinstance(error, OSError) else "")
        raise WallcloudError(
            f"the probes could not be run there{f': {why}' if why else ''}",
            where=place,
            output=output,
            hint="is the place up, and has it python3? for a lab: wallcloud lab status",
        ) from error
