"""A backup's file: what was written comes back, and whatever is changed, cut off or moved is refused."""

import io
import os
from pathlib import Path

import pytest

from wallcloud.deploy.vault import CHUNK, FORMAT, HEAD, Vault, Writer
from wallcloud.errors import WallcloudError

WORD = "correct horse battery staple"
_TAG = 16


def _kept(folder: Path, content: bytes) -> Path:
    path = folder / "a.backup"
    with path.open("wb") as file:
        writer = Writer(file, WORD)
        for begin in range(0, len(content), 300_000):
            writer.write(content[begin : begin + 300_000])
        writer.close()
    return path


def _content(path: Path, word: str = WORD) -> bytes:
    vault = Vault.open(path, word)
    try:
        content = vault.read()
        vault.check_end()
    finally:
        vault.close()
    return content


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_what_was_written_comes_back(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = _kept(tmp_path, content)
    assert _content(path) == content
    # Fewer bytes may stand there by chance.
    assert size < 16 or content[:64] not in path.read_bytes()


def test_it_is_read_from_anywhere(tmp_path: Path) -> None:
    content = os.urandom(2 * CHUNK + 77)
    vault = Vault.open(_kept(tmp_path, content), WORD)
    assert vault.size == len(content)
    for place, count in ((CHUNK - 3, 7), (2 * CHUNK + 70, 100), (0, 5), (CHUNK, CHUNK)):
        vault.seek(place)
        assert vault.read(count) == content[place : place + count]
    vault.close()


@pytest.mark.parametrize("at", [HEAD, HEAD + CHUNK, HEAD + CHUNK + _TAG, -1], ids=["first", "tag", "second", "last"])
def test_one_other_bit_is_refused(tmp_path: Path, at: int) -> None:
    path = _kept(tmp_path, os.urandom(CHUNK + 100))
    changed = bytearray(path.read_bytes())
    changed[at] ^= 1
    path.write_bytes(changed)
    with pytest.raises(WallcloudError, match="the backup was changed or cut off"):
        _content(path)


@pytest.mark.parametrize(
    "left",
    [HEAD, HEAD + 5, HEAD + _TAG, HEAD + CHUNK + _TAG, HEAD + CHUNK + _TAG + 9, HEAD + CHUNK + 2 * _TAG, -1],
)
def test_what_is_cut_off_is_refused(tmp_path: Path, left: int) -> None:
    path = _kept(tmp_path, os.urandom(CHUNK + 100))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(WallcloudError, match="the backup was changed or cut off"):
        _content(path)


def test_chunks_have_their_places(tmp_path: Path) -> None:
    path = _kept(tmp_path, os.urandom(3 * CHUNK))
    whole, one = path.read_bytes(), CHUNK + _TAG
    head, first, second, third = whole[:HEAD], *(whole[HEAD + n * one : HEAD + (n + 1) * one] for n in range(3))
    assert head + first + second + third == whole
    for other in (second + first + third, first + third, first + second, first + second + second + third):
        path.write_bytes(head + other)
        with pytest.raises(WallcloudError, match="the backup was changed or cut off"):
            _content(path)


def _error(path: Path, word: str = WORD) -> str:
    with pytest.raises(WallcloudError) as caught:
        Vault.open(path, word)
    return f"{caught.value.what}; {caught.value.hint}"


def test_another_passphrase_is_told_from_a_broken_file(tmp_path: Path) -> None:
    path = _kept(tmp_path, b"x")
    assert _error(path, WORD + "r") == (
        f"the passphrase is not the backup's; or the first {HEAD} bytes of the file were changed"
    )


def test_what_is_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"PK\3\4")
    assert _error(path).startswith("is no backup of Wallcloud's")
    path.write_bytes(b"")
    assert _error(path).startswith("is no backup of Wallcloud's")
    assert _error(tmp_path / "nowhere").startswith("the backup cannot be read: No such file or directory")


def test_another_format(tmp_path: Path) -> None:
    path = tmp_path / "newer"
    path.write_bytes(b"wallcloud-backup 7\n" + bytes(200))
    assert _error(path) == (
        f"the backup's format is 7, and this Wallcloud knows format {FORMAT}; "
        "use the version of Wallcloud that made it, or a newer one"
    )


def test_a_head_that_is_cut_off(tmp_path: Path) -> None:
    path = _kept(tmp_path, b"x")
    path.write_bytes(path.read_bytes()[: HEAD - 1])
    assert _error(path).startswith("the backup is cut off within its head")


def test_what_was_not_closed_is_not_whole(tmp_path: Path) -> None:
    file = io.BytesIO()
    Writer(file, WORD).write(os.urandom(2 * CHUNK))
    path = tmp_path / "half"
    path.write_bytes(file.getvalue())
    with pytest.raises(WallcloudError, match="the backup was changed or cut off"):
        _content(path)
