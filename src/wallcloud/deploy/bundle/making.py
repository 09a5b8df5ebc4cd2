"""Making a bundle: this computer's part, the cloud's status and plan, and each node's own."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from wallcloud import __version__
from wallcloud.build.cache import Cache
from wallcloud.deploy.authority import life
from wallcloud.deploy.bundle.archive import Archive, LeftOut, Listed, redactor_of
from wallcloud.deploy.bundle.collecting import collect
from wallcloud.deploy.prepare import known_design, release_of, state_of
from wallcloud.deploy.run import Run, ssh_config_there
from wallcloud.deploy.session import Event, SessionLost
from wallcloud.deploy.status.asking import ask
from wallcloud.deploy.status.report import report
from wallcloud.design.compile import Design, require
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.node.spec import to_json
from wallcloud.progress import Progress, step
from wallcloud.site.load import Loaded


@frozen
class Bundle:
    """A bundle that was written. `lost`: node → why nothing of it is there."""

    path: Path
    members: tuple[Listed, ...]
    left_out: tuple[LeftOut, ...]
    lost: dict[str, str]


def default_name(loaded: Loaded, now: datetime) -> Path:
    """`<site>-<UTC time>.bundle.tar.gz`, in the present folder."""
    return Path(f"{loaded.site.name}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.bundle.tar.gz")


def make(loaded: Loaded, nodes: Iterable[str], path: Path, progress: Progress, *, since: float, journal: int) -> Bundle:
    """Writes a bundle to `path`, 0600: without a secret in it, or not at all. Raises WallcloudError.

    `since`: seconds since 1970, from when journals are taken; `journal`: so many bytes of each at most.
    """
    require(loaded)
    ssh_config_there(loaded)
    if path.exists():
        raise WallcloudError("there is such a file already", where=str(path), hint="name another file")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    chosen = tuple(nodes)
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            archive = Archive(file, path.name.removesuffix(".tar.gz"), redactor_of(state_of(loaded)))
            lost = _fill(archive, loaded, chosen, progress, since=since, journal=journal)
            archive.close(
                {
                    "site": loaded.site.name,
                    "wallcloud": __version__,
                    "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "journals_since": f"{datetime.fromtimestamp(since, UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "nodes": chosen,
                    "nodes_away": lost,
                }
            )
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except OSError as error:
        raise WallcloudError(
            f"the bundle cannot be written: {error.strerror}", where=str(path), hint="name another place"
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink()
    return Bundle(path, tuple(archive.listed), tuple(archive.left_out), lost)


def _fill(
    archive: Archive, loaded: Loaded, nodes: tuple[str, ...], progress: Progress, *, since: float, journal: int
) -> dict[str, str]:
    """Everything, step by step; which nodes were away."""
    state = state_of(loaded)
    with step(progress, "this computer's part"):
        design = known_design(loaded)
        _here(archive, loaded, design, nodes)
    with step(progress, "status"):
        asked = ask(loaded, design, state, nodes)
        _, ca_until = life(state)
        archive.add("status.json", _json(report(design, asked, time.time(), ca_until).to_json()))
    reached = tuple(asked.answers)
    with step(progress, "plan"):
        try:
            archive.add("plan.json", _json(asyncio.run(_plan(loaded, reached))))
        except SessionLost as error:
            archive.leave_out("plan.json", error.what)
    for node in nodes:
        if (facts := state.facts(node)) is not None:  # as the plan heard them
            archive.add(f"facts/{node}.json", _json(facts))
    with step(progress, "nodes"):
        lost = {node: error.what for node, error in asked.lost.items()}
        lost.update(asyncio.run(collect(archive, loaded, design, reached, since=since, journal=journal)))
    for node, why in lost.items():
        archive.leave_out(f"nodes/{node}/", why)
    return lost


def _here(archive: Archive, loaded: Loaded, design: Design, nodes: tuple[str, ...]) -> None:
    release = release_of(loaded)
    versions = {
        "wallcloud": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "release": release.name,
        "environment": release.environment,
        "packages": release.packages,
    }
    archive.add("versions.json", _json(versions))
    archive.add("site.yaml", loaded.path.read_bytes())
    for node in nodes:
        archive.add(f"specs/{node}.json", _json(to_json(design.specs[node])))


class _Unheard:
    """A reporter that tells nobody: the outcome holds what counts."""

    def event(self, node: str, event: Event) -> None:
        """Not told."""


async def _plan(loaded: Loaded, nodes: tuple[str, ...]) -> list[dict[str, object]]:
    """What a plan says of each node, without the texts of files. Raises WallcloudError."""
    work = Run(loaded, state_of(loaded), Cache(), release_of(loaded), _Unheard(), apply=False)
    summary = await work.run(nodes)
    return [
        {
            "node": each.node,
            "status": each.status,
            "unchanged": each.unchanged,
            "planned": each.planned,
            "why": each.why,
            "changes": [
                {
                    **change["resource"],
                    "properties": [one["property"] for one in change["changes"]],
                    "consequence": change["consequence"],
                }
                for change in each.changes
            ],
        }
        for each in summary.outcomes
    ]


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, default=str).encode() + b"\n"
