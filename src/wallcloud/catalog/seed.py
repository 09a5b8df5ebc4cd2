"""What a restored cloud begins with: an apply with a seed puts it in place before anybody is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from wallcloud.frozen import frozen
from wallcloud.node.resources import ImageData
from wallcloud.node.secret import Secret


@frozen
class Seed:
    """Of the backup with this id: its databases and how many bytes their dump has, the files of keys by their paths,
    images, each compute's identity in Nova.

    `replaces`: databases that were served may be lost. A seed without databases ends the restore: all is in place.
    """

    backup: str
    databases: tuple[str, ...] = ()
    size: int = 0
    keys: tuple[str, ...] = ()
    images: tuple[ImageData, ...] = ()
    computes: Mapping[str, str] = field(default_factory=dict)
    replaces: bool = False

    def keys_in(self, folder: str) -> tuple[str, ...]:
        """Paths of the keys that lie in a folder."""
        return tuple(path for path in self.keys if path.startswith(f"{folder}/"))


def key(path: str) -> Secret:
    """The hole that a restored key fills."""
    return Secret(f"restored {path}")
