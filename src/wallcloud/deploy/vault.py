r"""A file that only who has its passphrase can read or change: what a backup is kept in.

Format 1, all of it, so that another program can open such a file:

```
"wallcloud-backup 1\n"   19 bytes: what it is, and the format's number
salt                     16 random bytes
tag                      32 bytes: HMAC-SHA256(head key, the 35 bytes before)
chunk 0, chunk 1, …      ChaCha20-Poly1305 (RFC 8439): ciphertext and its tag of 16 bytes
```

scrypt (RFC 7914; N = 2^17, r = 8, p = 1: 128 MiB of memory) makes 64 bytes of passphrase and salt: the head key, then
the chunks' key, 32 bytes each. The passphrase is taken as UTF-8. A chunk holds 1 MiB of the content, the last one what
is left: at least a byte, but for a content without any. Its nonce is its number in 11 bytes, big-endian, and one byte
that is 1 for the last chunk and 0 for the others (the STREAM construction, as in age-encryption.org/v1); there is no
associated data. So no chunk can be changed, moved, left out or taken from another file, and the end is the end.
"""

from __future__ import annotations

import hmac
import os
from pathlib import Path
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

FORMAT = 1
CHUNK = 1 << 20
_WORD = b"wallcloud-backup "
_MAGIC = _WORD + b"%d\n" % FORMAT
_SALT, _HEAD_TAG, _TAG = 16, 32, 16
HEAD = len(_MAGIC) + _SALT + _HEAD_TAG


@frozen
class Keys:
    """What a passphrase and a salt make. Slow on purpose: a third of a second for each guess."""

    head: bytes
    chunks: bytes

    @classmethod
    def of(cls, passphrase: str, salt: bytes) -> Self:
        """The keys of a file with this salt."""
        both = Scrypt(salt=salt, length=64, n=1 << 17, r=8, p=1).derive(passphrase.encode())
        return cls(both[:32], both[32:])

    def tag(self, salt: bytes) -> bytes:
        """What proves that a file's head was written by who had the passphrase."""
        return hmac.digest(self.head, _MAGIC + salt, "sha256")


class Writer:
    """Encrypts what is written to it into `file`. What was not closed is cut off, and nobody takes it for whole."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        salt = os.urandom(_SALT)
        keys = Keys.of(passphrase, salt)
        self._file = file
        self._cipher = ChaCha20Poly1305(keys.chunks)
        self._number = 0
        self._held = bytearray()
        file.write(_MAGIC + salt + keys.tag(salt))

    def write(self, data: bytes) -> None:
        """Adds to the content."""
        self._held += data
        while len(self._held) > CHUNK:  # what fills it exactly may be the last one
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]

    def close(self) -> None:
        """Writes the last chunk. The file itself stays open."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, None))
        self._number += 1


class Vault:
    """The content of such a file: to be read from anywhere, a chunk at a time, and never before it is authenticated."""

    def __init__(self, path: Path, file: BinaryIO, keys: Keys) -> None:
        """`keys` are the right ones: see `open`. Raises WallcloudError where no last chunk can be there."""
        self._path = path
        self._file = file
        self._cipher = ChaCha20Poly1305(keys.chunks)
        body = os.fstat(file.fileno()).st_size - HEAD
        self._count, rest = divmod(body, CHUNK + _TAG)
        if rest:
            self._count += 1
        if body < _TAG or 0 < rest < _TAG or (rest == _TAG and self._count > 1):
            raise self._broken(body)
        self.size = body - self._count * _TAG
        """How long the content is, in bytes."""
        self._place = 0
        self._held: tuple[int, bytes] = (-1, b"")

    @classmethod
    def open(cls, path: Path, passphrase: str) -> Self:
        """Raises WallcloudError: no such file, another format, the wrong passphrase, a file without end."""
        try:
            file = path.open("rb")
        except OSError as error:
            raise WallcloudError(f"the backup cannot be read: {error.strerror}", where=str(path)) from error
        try:
            keys = cls._keys(path, file.read(HEAD), passphrase)
            return cls(path, file, keys)
        except BaseException:
            file.close()
            raise

    @staticmethod
    def _keys(path: Path, head: bytes, passphrase: str) -> Keys:
        magic, salt = head[: len(_MAGIC)], head[len(_MAGIC) : -_HEAD_TAG]
        if not head.startswith(_WORD):
            raise WallcloudError("is no backup of Wallcloud's", where=str(path))
        if magic != _MAGIC:
            number = head[len(_WORD) :].partition(b"\n")[0][:20].decode("ascii", "replace")
            raise WallcloudError(
                f"the backup's format is {number}, and this Wallcloud knows format {FORMAT}",
                where=str(path),
                hint="use the version of Wallcloud that made it, or a newer one",
            )
        if len(head) < HEAD:
            raise WallcloudError("the backup is cut off within its head", where=str(path), hint=_ANOTHER)
        keys = Keys.of(passphrase, salt)
        if not hmac.compare_digest(keys.tag(salt), head[-_HEAD_TAG:]):
            raise WallcloudError(
                "the passphrase is not the backup's",
                where=str(path),
                hint=f"or the first {HEAD} bytes of the file were changed",
            )
        return keys

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def read(self, count: int = -1) -> bytes:
        """At most `count` bytes from where it stands; all that is left where it is negative. Raises WallcloudError."""
        end = self.size if count < 0 else min(self.size, self._place + count)
        parts = []
        while self._place < end:
            number, begin = divmod(self._place, CHUNK)
            part = self._chunk(number)[begin : begin + end - self._place]
            self._place += len(part)
            parts.append(part)
        return b"".join(parts)

    def seek(self, place: int) -> None:
        """Goes to a byte of the content."""
        self._place = place

    def tell(self) -> int:
        """Where it stands."""
        return self._place

    def check_end(self) -> None:
        """Authenticates the last chunk, which nobody may have had a reason to read: that of a content without any."""
        self._chunk(self._count - 1)

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            begin = HEAD + number * (CHUNK + _TAG)
            try:
                self._file.seek(begin)
                sealed = self._file.read(CHUNK + _TAG)
                last = number == self._count - 1
                self._held = number, self._cipher.decrypt(_nonce(number, last=last), sealed, None)
            except OSError as error:
                raise WallcloudError(f"the backup cannot be read: {error.strerror}", where=str(self._path)) from error
            except InvalidTag:
                raise self._broken(begin) from None
        return self._held[1]

    def _broken(self, begin: int) -> WallcloudError:
        return WallcloudError(
            f"the backup was changed or cut off, at byte {max(begin, HEAD)} or behind it",
            where=str(self._path),
            hint=_ANOTHER,
        )


_ANOTHER = "nothing of it can be trusted: take another copy, or another backup"


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
