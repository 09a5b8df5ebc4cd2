"""How deploy reads what was built."""

import os
from typing import BinaryIO

from wallcloud.build.cache import Cache
from wallcloud.errors import WallcloudError


def open_blob(cache: Cache, digest: str) -> tuple[BinaryIO, int]:
    """The open content of a blob and its size in bytes; an open blob outlives its pruning. Raises WallcloudError."""
    try:
        file = cache.blob(digest).open("rb")
    except FileNotFoundError:
        raise WallcloudError(
            f"the blob {digest[:16]}… is not in the cache any more", hint="run `wallcloud build`, then try again"
        ) from None
    return file, os.fstat(file.fileno()).st_size
