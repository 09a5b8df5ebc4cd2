"""Making a backup: the state folder, and what the control node gives, encrypted before it touches this disk."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wallcloud import __version__
from wallcloud.catalog import components
from wallcloud.deploy.backup_archive import (
    DATABASES,
    IMAGES,
    KEYS,
    MANIFEST,
    SITE,
    STATE,
    SUMMARY,
    ArchiveWriter,
    ImageRecord,
    Manifest,
    Summary,
    to_json,
)
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.run import at_work, ssh_config_there, target
from wallcloud.deploy.session import CLOSE_SECONDS, Event, Session, SessionLost
from wallcloud.deploy.state import operator
from wallcloud.design.compile import place, require
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.progress import Progress
from wallcloud.site.load import Loaded
from wallcloud.site.model import Role

_STEPS = {DATABASES: "databases", KEYS: "keys", IMAGES: "images"}


@frozen
class Made:
    """A backup that was made."""

    path: Path
    manifest: Manifest
    summary: Summary


def default_name(loaded: Loaded, now: datetime) -> Path:
    """`<site>-<UTC time>.wallcloud-backup`, in the present folder."""
    return Path(f"{loaded.site.name}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.wallcloud-backup")


def make(loaded: Loaded, passphrase: str, path: Path, progress: Progress, *, images: bool) -> Made:
    """Writes a backup of the site's cloud to `path`, 0600: whole, or not at all. Raises WallcloudError.

    `images`: with their data; without, their records alone.
    """
    require(loaded)
    ssh_config_there(loaded)
    state = state_of(loaded)
    if not state.ca_certificate.exists():
        raise WallcloudError("there is no cloud of this site yet", where=str(loaded.path), hint="run: wallcloud apply")
    if path.exists():
        raise WallcloudError("there is such a file already", where=str(path), hint="-o names another file")
    with state.lock():
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                writer = ArchiveWriter(file, passphrase)
                manifest = _manifest(loaded)
                writer.add(MANIFEST, to_json(manifest))
                writer.add(SITE, loaded.path.read_bytes())
                for name, content in state.kept().items():
                    writer.add(STATE + name, content)
                summary = asyncio.run(_from_control(loaded, manifest, writer, progress, images=images))
                writer.add(SUMMARY, to_json(summary))
                writer.close()
                file.flush()
                os.fsync(file.fileno())
            beside.rename(path)
        except OSError as error:
            raise WallcloudError(
                f"the backup cannot be written: {error.strerror}", where=str(path), hint="-o names another place"
            ) from error
        finally:
            with suppress(OSError):
                beside.unlink()
    return Made(path, manifest, summary)


def _manifest(loaded: Loaded) -> Manifest:
    catalog = components()
    databases = (each.name for name in place(loaded.site, catalog) for each in catalog[name].databases)
    return Manifest(
        backup=secrets.token_hex(16),
        site=loaded.site.name,
        release=loaded.site.release,
        wallcloud=__version__,
        made=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        by=operator(),
        databases=tuple(databases),
        image_store=loaded.site.image_store.path,
    )


async def _from_control(
    loaded: Loaded, manifest: Manifest, writer: ArchiveWriter, progress: Progress, *, images: bool
) -> Summary:
    """What the control node gives goes into the archive as it comes. Raises WallcloudError."""
    control = loaded.site.nodes_with(Role.CONTROL)[0]
    catalog = components()
    told = _Telling(control, writer, progress)
    session = await Session.open(target(loaded, control))
    try:
        session.send(
            {
                "op": "backup",
                "operator": operator(),
                "databases": manifest.databases,
                "folders": [path for name in place(loaded.site, catalog) for path in catalog[name].keeps],
                "images": manifest.image_store if images else None,
            }
        )
        async for event in session.events():
            told.hear(event)
    except BaseException as error:
        told.fail(error)
        raise
    finally:
        await session.close(CLOSE_SECONDS if told.summary else 0)
    return told.whole()


class _Telling:
    """Takes the events of a node's backup: into the archive, and to who waits."""

    def __init__(self, node: str, writer: ArchiveWriter, progress: Progress) -> None:
        self._node = node
        self._writer = writer
        self._progress = progress
        self._step = ""
        self._done = 0
        self.summary: Summary | None = None

    def hear(self, event: Event) -> None:
        """One event. Raises WallcloudError."""
        try:
            match event["event"]:
                case "member":
                    folder = next(each for each in _STEPS if event["name"].startswith(each))
                    if _STEPS[folder] != self._step and folder != IMAGES:
                        self._begin(_STEPS[folder])
                    self._writer.begin(event["name"], event["size"])
                case "data":
                    self._writer.write(event["data"])
                    self._done += len(event["data"])
                    self._progress.advance(self._step, self._done)
                case "weighs":
                    self._end()
                    if event["bytes"]:
                        self._begin(_STEPS[IMAGES], event["bytes"])
                case "told":
                    self._end()
                    self.summary = _summary(event)
                case "locked":
                    raise WallcloudError(
                        at_work(event["holder"]), where=self._node, hint="wait until that ends, then back up"
                    )
                case "failed":
                    raise WallcloudError(
                        event["what"], where=self._node, output=tuple(event["output"]), hint=event["hint"]
                    )
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise SessionLost(
                f"the node's event {event['event']!r} is not understood",
                where=self._node,
                output=(f"{type(error).__name__}: {error}",),
                hint="this is a fault of Wallcloud; please report it",
            ) from error

    def whole(self) -> Summary:
        """What was counted. Raises SessionLost where the node did not come to that."""
        if self.summary is None:
            raise SessionLost("ended before all was told", where=self._node, hint="run the same again")
        return self.summary

    def fail(self, error: BaseException) -> None:
        """Whatever it was, the step in hand did not end well."""
        if self._step:
            self._progress.fail(self._step, error.what if isinstance(error, WallcloudError) else "interrupted")

    def _begin(self, step: str, total: int | None = None) -> None:
        self._end()
        self._step, self._done = step, 0
        self._progress.start(step, total, "B")

    def _end(self) -> None:
        if self._step:
            self._progress.finish(self._step, f"{self._done / 2**20:.1f} MiB")
        self._step = ""


def _summary(event: Event) -> Summary:
    images: Iterable[dict[str, Any]] = event["images"]
    return Summary(tuple(ImageRecord(**each) for each in images), event["servers"], event["computes"])
