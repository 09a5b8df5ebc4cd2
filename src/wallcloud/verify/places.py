"""The places that probes start from: the lab's own outside world, or hosts that SSH reaches."""

from __future__ import annotations

import json
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

LIMIT_SECONDS = 120
_LOADER = "import sys; n=int(sys.stdin.readline()); exec(compile(sys.stdin.read(n), 'prober', 'exec'))"


def over_ssh(hosts: dict[str, str], config: Path | None) -> Command:
    """Places that are real hosts."""

    def command(place: str, argv: list[str]) -> list[str]:
        import shlex  # noqa: PLC0415

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
    told = json.dumps([{"id": probe.id, **probe.what} for probe in probes])
    argv = command(place, ["/usr/bin/python3", "-I", "-c", _LOADER])
    try:
        done = subprocess.run(
            argv,
            input=f"{len(source)}\n{source}{told}\n",
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        answers = {answer["id"]: answer for answer in json.loads(done.stdout)}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        output = () if isinstance(error, OSError | subprocess.TimeoutExpired) else tuple(done.stderr.splitlines()[-5:])
        raise WallcloudError(
            "the probes could not be run there",
            where=place,
            output=output,
            hint="is the place up? wallcloud lab status",
        ) from error
    return [Seen(probe, answers[probe.id]["outcome"], answers[probe.id]["detail"]) for probe in probes]
