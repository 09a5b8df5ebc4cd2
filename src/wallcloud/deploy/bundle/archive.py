"""The file itself: every member without secrets, looked through once more before it is added, and a manifest."""

from __future__ import annotations

import io
import json
import tarfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from wallcloud.deploy.state import StateFolder
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.node.redact import Redactor

MANIFEST = "manifest.json"


@frozen
class Listed:
    """A member as the manifest lists it: `marks` stand in it for secrets, `note` says what is not whole about it."""

    name: str
    size: int
    marks: int
    note: str


@frozen
class LeftOut:
    """What is not in the bundle: a member, or a whole node."""

    name: str
    why: str


def redactor_of(state: StateFolder) -> Redactor:
    """Knows every secret of the state folder. Raises WallcloudError."""
    kept = state.kept()
    secrets: dict[str, str] = json.loads(kept.pop("secrets.json", b"{}"))
    files = {name: content for name, content in kept.items() if b"PRIVATE KEY" in content}
    return Redactor({**{name: value.encode() for name, value in secrets.items()}, **files})


class Archive:
    """A tar.gz being written, all in one folder."""

    def __init__(self, file: BinaryIO, folder: str, redactor: Redactor) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - close() does
        self._folder = folder
        self._redactor = redactor
        self.listed: list[Listed] = []
        self.left_out: list[LeftOut] = []

    def add(self, name: str, data: bytes, *, note: str = "", marks: int = 0) -> None:
        """Adds a member with marks for secrets; `marks` are in it already. Raises WallcloudError, naming the place,
        where a secret is still in it: then the file must not be kept."""
        cleaned = self._redactor.clean(data)
        if self._redactor.holds(cleaned.data) or self._redactor.holds(name.encode()):
            raise WallcloudError(
                "the bundle is not written: a secret would be in it",
                where=_shown(name, self._redactor),
                hint="this is a fault of Wallcloud; please report how that file is made, not its content",
            )
        self._put(name, cleaned.data)
        self.listed.append(Listed(name, len(cleaned.data), marks + cleaned.marks, note))

    def leave_out(self, name: str, why: str) -> None:
        """Notes what is not in it, and why."""
        self.left_out.append(LeftOut(name, self._redactor.clean(why.encode()).data.decode(errors="replace")))

    def close(self, about: dict[str, object]) -> None:
        """Adds the manifest with `about`, and ends the file."""
        manifest = {
            **about,
            "members": [asdict(each) for each in sorted(self.listed, key=lambda each: each.name)],
            "left_out": [asdict(each) for each in self.left_out],
        }
        self.add(MANIFEST, json.dumps(manifest, indent=1).encode())
        self._tar.close()

    def _put(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(str(Path(self._folder) / name))
        entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
        self._tar.addfile(entry, io.BytesIO(data))


def _shown(name: str, redactor: Redactor) -> str:
    return redactor.clean(name.encode()).data.decode(errors="replace")
