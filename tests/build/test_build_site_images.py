"""Images of the site come into the cache when they are what the site says."""

import hashlib
from pathlib import Path

import pytest

from wallcloud.build import site_images
from wallcloud.build.cache import Cache
from wallcloud.errors import WallcloudError
from wallcloud.progress import Silent

DIGEST = hashlib.sha256(b"disk").hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "debian.qcow2"
    made.write_bytes(b"disk")
    return made


def test_taken_once_and_never_read_again(tmp_path: Path, file: Path) -> None:
    cache = Cache(tmp_path / "cache")
    site_images.take(cache, {"debian": (file, DIGEST)}, Silent())
    assert cache.blob(DIGEST).read_bytes() == b"disk"
    assert file.read_bytes() == b"disk"
    file.unlink()
    site_images.take(cache, {"debian": (file, DIGEST)}, Silent())


def test_another_file_is_refused(tmp_path: Path, file: Path) -> None:
    cache = Cache(tmp_path / "cache")
    with pytest.raises(WallcloudError, match="the image debian is not what the site says"):
        site_images.take(cache, {"debian": (file, "0" * 64)}, Silent())
    assert not cache.has(DIGEST)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WallcloudError, match="the image debian cannot be read: No such file"):
        site_images.take(Cache(tmp_path / "cache"), {"debian": (tmp_path / "none", DIGEST)}, Silent())
