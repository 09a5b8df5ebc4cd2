"""What a restore's apply takes from a backup: the seed of the design, keys for its holes, streams for the nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from wallcloud.catalog.seed import Seed, key
from wallcloud.deploy.backup_archive import DATABASES, KEYS, Archive
from wallcloud.frozen import frozen
from wallcloud.node.resources import ImageData


def _nothing(name: str) -> Iterator[bytes]:
    raise KeyError(name)


@frozen
class Seeding:
    """`secrets`: the value of each key by the name of its hole. `stream`: the content of what a node asks for, by its
    name in the archive; it raises KeyError."""

    seed: Seed
    secrets: Mapping[str, str] = field(default_factory=dict)
    stream: Callable[[str], Iterator[bytes]] = _nothing

    def frames(self, name: str) -> Iterator[bytes]:
        """A stream as a session carries it: each frame a line and a piece behind it; the last one says so."""
        pieces = self.stream(name)
        piece: bytes | None = next(pieces, b"")
        while piece is not None:
            after = next(pieces, None)
            head = {"op": "stream", "name": name, "size": len(piece), "last": after is None}
            yield json.dumps(head, separators=(",", ":")).encode() + b"\n" + piece
            piece = after


def whole(archive: Archive, *, replaces: bool) -> Seeding:
    """Everything of a backup. `replaces`: databases that are there may be lost."""
    keys = {f"/{name}": archive.text(KEYS + name).decode("ascii") for name in archive.under(KEYS)}
    images = archive.summary.images
    seed = Seed(
        backup=archive.manifest.backup,
        databases=archive.manifest.databases,
        size=archive.weight(DATABASES),
        keys=tuple(keys),
        images=tuple(ImageData(id=each.id, size=each.size, digest=each.digest) for each in images if each.kept),
        computes=archive.summary.computes,
        replaces=replaces,
    )
    return Seeding(seed, {key(path).name: value for path, value in keys.items()}, archive.pieces)


def end(archive: Archive) -> Seeding:
    """Nothing but the word that all of it is in place."""
    return Seeding(Seed(archive.manifest.backup))
