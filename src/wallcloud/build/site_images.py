"""The cloud images that a site names, taken into the cache when they are what the site says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wallcloud.build.cache import Cache, Result, key_of
from wallcloud.errors import WallcloudError
from wallcloud.progress import Progress, step


def take(cache: Cache, images: Mapping[str, tuple[Path, str]], progress: Progress) -> None:
    """Has the cache hold each image: name → (file, its SHA-256).

    A file whose digest the cache has is not read, and need not be there. Raises WallcloudError where one is missing,
    unreadable or another.
    """
    for name, (file, digest) in images.items():
        key = key_of("image", digest)
        if cache.result(key) is not None:
            continue
        if not cache.has(digest):
            with step(progress, f"image {name}"):
                _take(cache, name, file, digest)
        cache.record(key, Result(digest))


def _take(cache: Cache, name: str, file: Path, digest: str) -> None:
    try:
        cache.add_file(file, digest)
    except OSError as error:
        raise WallcloudError(
            f"the image {name} cannot be read: {error.strerror}",
            where=str(file),
            hint=f"the site says images: {name}: file: …, relative to the site file",
        ) from error
    except WallcloudError as error:
        raise WallcloudError(
            f"the image {name} is not what the site says: {error.what}",
            where=str(file),
            hint="if you trust the file, write what `sha256sum` prints for it into the site",
        ) from error
