"""What is in a backup: members come back by name; what is not whole, or is not what its record says, is refused."""

import hashlib
from pathlib import Path

import pytest

from wallcloud.deploy.backup_archive import (
    DATABASES,
    IMAGES,
    MANIFEST,
    STATE,
    SUMMARY,
    Archive,
    ArchiveWriter,
    ImageRecord,
    Manifest,
    Summary,
    to_json,
)
from wallcloud.errors import WallcloudError
from wallcloud.progress import Silent

WORD = "correct horse battery staple"
DATA = bytes(range(256)) * 5000
IMAGE = ImageRecord("1f", "guest", len(DATA), hashlib.sha512(DATA).hexdigest(), kept=True)
_MANIFEST = Manifest("ab" * 16, "article", "2026.2", "1.0", "2026-11-24T10:00:00Z", "me@here", ("keystone",), "/images")


def _made(folder: Path, image: ImageRecord = IMAGE, data: bytes = DATA, leave: str = "", more: str = "") -> Path:
    path = folder / "a.backup"
    members = {
        MANIFEST: to_json(_MANIFEST),
        STATE + "secrets.json": b"{}",
        DATABASES + "00000": b"one ",
        DATABASES + "00001": b"two",
        IMAGES + IMAGE.id: data,
        SUMMARY: to_json(Summary((image,), 6, {"compute1": "c0"})),
    }
    if more:
        members[more] = b"x"
    with path.open("wb") as file:
        writer = ArchiveWriter(file, WORD)
        for name, content in members.items():
            if name != leave:
                writer.add(name, content)
        writer.close()
    return path


def _error(path: Path) -> str:
    with pytest.raises(WallcloudError) as caught:
        Archive.open(path, WORD, Silent())
    return caught.value.what


def test_members_come_back(tmp_path: Path) -> None:
    with Archive.open(_made(tmp_path), WORD, Silent()) as archive:
        assert archive.manifest == _MANIFEST
        assert archive.summary == Summary((IMAGE,), 6, {"compute1": "c0"})
        assert archive.under(STATE) == ("secrets.json",)
        assert archive.text(STATE + "secrets.json") == b"{}"
        assert b"".join(archive.pieces(DATABASES)) == b"one two"
        assert b"".join(archive.pieces(IMAGES + IMAGE.id)) == DATA
        assert archive.weight(IMAGES) == len(DATA)


@pytest.mark.parametrize("leave", [MANIFEST, SUMMARY])
def test_it_says_itself_what_it_is(tmp_path: Path, leave: str) -> None:
    assert _error(_made(tmp_path, leave=leave)) == f"the backup is authentic, but there is no {leave} in it"


def test_an_image_is_what_its_record_says(tmp_path: Path) -> None:
    said = "the backup is authentic, but the data of the image guest is not what its record says"
    assert _error(_made(tmp_path, data=DATA[:-1] + b"?")) == said
    assert _error(_made(tmp_path, leave=IMAGES + IMAGE.id)) == said


def test_an_image_without_data_is_no_mistake(tmp_path: Path) -> None:
    bare = ImageRecord(IMAGE.id, IMAGE.name, IMAGE.size, IMAGE.digest, kept=False)
    Archive.open(_made(tmp_path, image=bare, leave=IMAGES + IMAGE.id), WORD, Silent())


def test_no_member_leaves_its_folder(tmp_path: Path) -> None:
    odd = STATE + "../../etc/passwd"
    assert _error(_made(tmp_path, more=odd)) == f"the backup is authentic, but {odd!r} is in it"


def test_a_member_is_as_long_as_it_was_announced(tmp_path: Path) -> None:
    with (tmp_path / "a.backup").open("wb") as file:
        writer = ArchiveWriter(file, WORD)
        writer.begin("a", 3)
        writer.write(b"12")
        with pytest.raises(ValueError, match="1 bytes lack before b"):
            writer.begin("b", 1)
        with pytest.raises(ValueError, match="1 bytes lack at the end"):
            writer.close()
        with pytest.raises(ValueError, match="more than was announced"):
            writer.write(b"34")
