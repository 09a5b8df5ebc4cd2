"""A store on disk that several processes share: blobs by content, trees (folders) and results by key.

```
blobs/sha256/<aa>/<digest>   one file per content, mode 0444, named by its SHA-256 (64 hex digits)
trees/<key>/                 one immutable folder per key (a base root)
results/<key>.json           what a key led to: a digest and the digests that it needs
locks/<key>                  flock(2) files: one builder per key
tmp/<random>/                work in progress, on the same file system so that a rename(2) publishes it
```
Whatever has its final name is whole: contents are written in `tmp`, synced, and renamed. A killed process leaves at
most a folder in `tmp`, which the next user of the cache removes. All locks are flock(2): the kernel drops them with the
process. `gate` is the lock between everyone (shared) and the sweepers (exclusive).
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from wallcloud.build.filesystem import flock, mounted, sync
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


@frozen
class Result:
    """What a key led to: the blob `digest`, and the blobs `needs` without which it is of no use."""

    digest: str
    needs: tuple[str, ...] = ()


@frozen
class Pruned:
    """What `Cache.prune` removed: `blobs`, `trees` and `results` are counts, `size` is bytes of blobs."""

    results: int
    blobs: int
    trees: int
    size: int


def default_path() -> Path:
    """`$XDG_CACHE_HOME/wallcloud`, else `~/.cache/wallcloud` (XDG base directory specification)."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return base / "wallcloud"


def key_of(kind: str, *parts: object) -> str:
    """A key for what `parts` (anything JSON can say) determine: `<kind>-<32 hex digits>`."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Cache:
    """The store under `path` (made with mode 0700 when missing)."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("blobs/sha256", "trees", "results", "locks", "tmp"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WallcloudError(
                f"the cache folder cannot be made: {error.strerror}",
                where=str(self.path),
                hint="set XDG_CACHE_HOME to a folder that you can write",
            ) from error

    # -- blobs

    def blob(self, digest: str) -> Path:
        """Where the blob `digest` is, or would be."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"not a SHA-256 digest: {digest!r}")
        return self.path / "blobs" / "sha256" / digest[:2] / digest

    def has(self, digest: str) -> bool:
        """Whether the blob `digest` is here."""
        return self.blob(digest).is_file()

    def add_bytes(self, content: bytes) -> str:
        """Stores `content`; returns its digest."""
        with self.scratch() as folder:
            file = folder / "content"
            file.write_bytes(content)
            return self.add_file(file)

    def add_file(self, file: Path, expected: str | None = None) -> str:
        """Stores a file's content; returns its digest. A file in a `scratch` folder is moved, any other copied.

        With `expected` (64 hex digits) a file of another content is refused with WallcloudError and not stored.
        """
        if not file.is_relative_to(self.path / "tmp"):
            with self.scratch() as folder:
                shutil.copyfile(file, folder / "content")
                return self.add_file(folder / "content", expected)
        digest = digest_of(file)
        if expected is not None and digest != expected:
            raise WallcloudError(
                f"{file.name} has the SHA-256 {digest}, but {expected} was promised",
                hint="it was damaged or changed on its way: try again; if it stays, do not trust its source",
            )
        with self._gate():
            path = self.blob(digest)
            if path.is_file():
                os.utime(path)
                file.unlink()
                return digest
            path.parent.mkdir(exist_ok=True)
            file.chmod(0o444)
            sync(file)
            file.rename(path)
            sync(path.parent)
        return digest

    # -- results

    def result(self, key: str) -> Result | None:
        """What `key` led to, if that and all that it needs is here. Counts as a use."""
        file = self._named("results", key, ".json")
        with self._gate():
            try:
                fields = json.loads(file.read_text())
                found = Result(str(fields["digest"]), tuple(str(each) for each in fields["needs"]))
                for digest in (found.digest, *found.needs):
                    os.utime(self.blob(digest))  # proves that it exists, too
                os.utime(file)
            except (OSError, ValueError, KeyError, TypeError):
                return None  # absent or damaged: to be made again
        return found

    def record(self, key: str, result: Result) -> None:
        """Remembers what `key` led to. Its blobs must have been added before."""
        file = self._named("results", key, ".json")
        with self.scratch() as folder, self._gate():
            fresh = folder / "result"
            fresh.write_text(json.dumps({"digest": result.digest, "needs": list(result.needs)}, indent=1) + "\n")
            sync(fresh)
            fresh.rename(file)

    def forget(self, key: str) -> None:
        """Forgets what `key` led to; the blobs stay until they are pruned."""
        self._named("results", key, ".json").unlink(missing_ok=True)

    # -- trees

    def tree(self, key: str) -> Path | None:
        """The immutable folder of `key`, if it is here. Counts as a use."""
        path = self._named("trees", key)
        try:
            with self._gate():
                os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def add_tree(self, key: str, folder: Path) -> Path:
        """Publishes `folder` (inside a `scratch` folder, made under `lock(key)`) as the tree of `key`, by rename."""
        path = self._named("trees", key)
        with self._gate():
            folder.rename(path)
            os.utime(path)
            sync(path.parent)
        return path

    # -- work

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Held by one builder of `key` at a time, threads included; others wait. Look for the result again inside."""
        with flock(self._named("locks", key), fcntl.LOCK_EX):
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the cache's file system, removed at the end. What is in it may be renamed away.

        Its lock (on the folder itself) tells the sweeper that the owner lives.
        """
        self._sweep()
        with self._gate():
            folder = self.path / "tmp" / secrets.token_hex(8)
            folder.mkdir(mode=0o700)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)

    def prune(self, older_than: timedelta) -> Pruned:
        """Removes results, trees and blobs that were last used longer ago than `older_than`.

        Kept: what a younger result needs, and trees that some process has mounted (as a lower layer).
        """
        limit = time.time() - older_than.total_seconds()
        results = blobs = trees = size = 0
        self._sweep()
        with flock(self.path / "locks" / "gate", fcntl.LOCK_EX):
            needed: set[str] = set()
            for file in (self.path / "results").glob("*.json"):
                if file.stat().st_mtime < limit:
                    file.unlink()
                    results += 1
                    continue
                try:
                    fields = json.loads(file.read_text())
                    needed |= {fields["digest"], *fields["needs"]}
                except (ValueError, KeyError, TypeError):
                    file.unlink()
            for blob in (self.path / "blobs" / "sha256").glob("*/*"):
                status = blob.stat()
                if status.st_mtime < limit and blob.name not in needed:
                    blob.unlink()
                    blobs += 1
                    size += status.st_size
            for tree in (self.path / "trees").iterdir():
                if tree.stat().st_mtime < limit and not mounted(tree):
                    # First out of its name, so that nobody ever finds half a tree.
                    doomed = self.path / "tmp" / secrets.token_hex(8)
                    tree.rename(doomed)
                    trees += 1
        self._sweep()
        return Pruned(results=results, blobs=blobs, trees=trees, size=size)

    # -- inside

    def _named(self, area: str, key: str, suffix: str = "") -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a cache key: {key!r}")
        return self.path / area / f"{key}{suffix}"

    @contextmanager
    def _gate(self) -> Iterator[None]:
        with flock(self.path / "locks" / "gate", fcntl.LOCK_SH):
            yield

    def _sweep(self) -> None:
        """Removes the scratch folders of the dead. Does nothing while others are at the gate: the next one will."""
        doomed: list[Path] = []
        try:
            with flock(self.path / "locks" / "gate", fcntl.LOCK_EX | fcntl.LOCK_NB):
                for folder in (self.path / "tmp").iterdir():
                    handle = os.open(folder, os.O_RDONLY)
                    try:
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        doomed.append(folder)
                    except BlockingIOError:
                        pass
                    finally:
                        os.close(handle)
        except (BlockingIOError, FileNotFoundError):
            pass
        for folder in doomed:  # outside of the gate: a tree takes long. No name in tmp is ever used twice
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
            else:
                folder.unlink(missing_ok=True)
