"""What is in a backup: a tar archive (POSIX.1-2001) in a vault.

```
manifest.json            of what site and release, when, its id: a Manifest
site.yaml                the site file as it was
state/…                  the state folder: the CA, the secrets
databases.sql.gz/00000…  one mariadb-dump of all databases at one moment, gzipped and cut in pieces
keys/PATH                Keystone's keys, by their path on the control node
images/ID                images' data, each verified against its record
summary.json             what was counted while it was made: a Summary. Without it a backup is not whole
```
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self, cast

from wallcloud.deploy.vault import Vault, Writer
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.progress import Progress, step

MANIFEST, SITE, SUMMARY = "manifest.json", "site.yaml", "summary.json"
STATE, DATABASES, KEYS, IMAGES = "state/", "databases.sql.gz/", "keys/", "images/"
_READ = 1 << 20


@frozen
class Manifest:
    """Whose backup it is. `backup`: its id, 32 hexadecimal digits; `made` in UTC (ISO 8601); `image_store`: where on
    the control node images lay."""

    backup: str
    site: str
    release: str
    wallcloud: str
    made: str
    by: str
    databases: tuple[str, ...]
    image_store: str


@frozen
class ImageRecord:
    """An image of Glance's. `digest`: SHA-512 of its data, as the record has it; `kept`: the data is in the backup."""

    id: str
    name: str
    size: int
    digest: str
    kept: bool


@frozen
class Summary:
    """What the node counted: images, VMs of all tenants, and each compute's identity in Nova (a UUID)."""

    images: tuple[ImageRecord, ...]
    servers: int
    computes: Mapping[str, str]


@frozen
class _Member:
    begin: int
    size: int


class ArchiveWriter:
    """Writes members one after the other."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._vault = Writer(file, passphrase)
        self._left = 0
        self._padding = b""

    def add(self, name: str, data: bytes) -> None:
        """A member whose content is at hand."""
        self.begin(name, len(data))
        self.write(data)

    def begin(self, name: str, size: int) -> None:
        """A member of `size` bytes, which `write` brings. Raises ValueError where the one before is not whole."""
        if self._left:
            raise ValueError(f"{self._left} bytes lack before {name}")
        head = tarfile.TarInfo(name)
        head.size, head.mode = size, 0o600
        self._vault.write(head.tobuf(tarfile.PAX_FORMAT))
        self._left, self._padding = size, bytes(-size % tarfile.BLOCKSIZE)

    def write(self, data: bytes) -> None:
        """The next bytes of the member that was begun. Raises ValueError where it has no place for them."""
        if len(data) > self._left:
            raise ValueError("more than was announced")
        self._vault.write(data)
        self._left -= len(data)
        if not self._left:
            self._vault.write(self._padding)
            self._padding = b""

    def close(self) -> None:
        """Ends the archive. Raises ValueError where its last member is not whole."""
        if self._left:
            raise ValueError(f"{self._left} bytes lack at the end")
        self._vault.write(bytes(2 * tarfile.BLOCKSIZE))
        self._vault.close()


class Archive:
    """A backup that was read to its end: all of it is authentic, and images are what their records say."""

    def __init__(self, path: Path, vault: Vault, members: Mapping[str, _Member]) -> None:
        self.path = path
        self._vault = vault
        self._members = members
        self.manifest = self._manifest()
        self.summary = self._summary()

    @classmethod
    def open(cls, path: Path, passphrase: str, progress: Progress) -> Self:
        """Reads everything once. Raises WallcloudError; see Vault."""
        vault = Vault.open(path, passphrase)
        try:
            name = f"verify {path.name}"
            with step(progress, name, vault.size, "B"):
                members, digests = _verified(path, vault, lambda: progress.advance(name, vault.tell()))
            archive = cls(path, vault, members)
            archive._check_images(digests)
        except BaseException:
            vault.close()
            raise
        return archive

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._vault.close()

    def text(self, name: str) -> bytes:
        """A small member's content."""
        return b"".join(self._read(self._members[name]))

    def under(self, folder: str) -> tuple[str, ...]:
        """The names of the members in a folder, without it, in their order."""
        return tuple(name.removeprefix(folder) for name in self._members if name.startswith(folder))

    def weight(self, folder: str) -> int:
        """Bytes of the members in a folder."""
        return sum(member.size for name, member in self._members.items() if name.startswith(folder))

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a member, or of all that are in a folder (`name` ends with /). Raises KeyError."""
        names = [name + each for each in self.under(name)] if name.endswith("/") else [name]
        members = [self._members[each] for each in names]
        return (piece for member in members for piece in self._read(member))

    def _read(self, member: _Member) -> Iterator[bytes]:
        done = 0
        while done < member.size:
            self._vault.seek(member.begin + done)
            piece = self._vault.read(min(_READ, member.size - done))
            done += len(piece)
            yield piece

    def _manifest(self) -> Manifest:
        told = self._json(MANIFEST)
        return Manifest(**{**told, "databases": tuple(told["databases"])})

    def _summary(self) -> Summary:
        told = self._json(SUMMARY)
        return Summary(tuple(ImageRecord(**each) for each in told["images"]), told["servers"], told["computes"])

    def _json(self, name: str) -> dict[str, Any]:
        if name not in self._members:
            raise _odd(self.path, f"there is no {name} in it")
        found: dict[str, Any] = json.loads(self.text(name))
        return found

    def _check_images(self, digests: Mapping[str, str]) -> None:
        """Raises WallcloudError where an image's data is missing, or is not what its record says."""
        for image in self.summary.images:
            digest = digests.get(image.id)
            if image.kept and (digest is None or digest != (image.digest or digest)):
                raise _odd(self.path, f"the data of the image {image.name or image.id} is not what its record says")


def to_json(told: Manifest | Summary) -> bytes:
    """A member's content."""
    return json.dumps(asdict(told), indent=1, sort_keys=True).encode()


def _verified(path: Path, vault: Vault, advance: Callable[[], None]) -> tuple[Mapping[str, _Member], Mapping[str, str]]:
    """Reads all of it: the members, and the SHA-512 of each image."""
    members: dict[str, _Member] = {}
    digests: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=cast(BinaryIO, vault), mode="r|", bufsize=_READ) as tar:
            for each in tar:
                file = tar.extractfile(each)
                if file is None or ".." in PurePosixPath(each.name).parts:
                    raise _odd(path, f"{each.name!r} is in it")
                members[each.name] = _Member(each.offset_data, each.size)
                digest = hashlib.sha512()
                while piece := file.read(_READ):
                    digest.update(piece)
                    advance()
                if each.name.startswith(IMAGES):
                    digests[each.name.removeprefix(IMAGES)] = digest.hexdigest()
        while vault.read(_READ):
            advance()
        vault.check_end()
    except tarfile.TarError as error:
        raise _odd(path, str(error)) from error
    return members, digests


def _odd(path: Path, why: str) -> WallcloudError:
    return WallcloudError(
        f"the backup is authentic, but {why}",
        where=str(path),
        hint="it was not made whole, or by another version of Wallcloud: take another backup",
    )
