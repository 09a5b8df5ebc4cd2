"""A backup's passphrase comes from a file that nobody else may read; each way that it cannot is told."""

from pathlib import Path

import pytest

from wallcloud.cli.face import WrongUse
from wallcloud.cli.passphrase import SHORTEST, passphrase
from wallcloud.errors import WallcloudError

GOOD = b"correct horse battery staple"


def _file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "backup.key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\na comment"])
def test_it_is_the_first_line(tmp_path: Path, end: bytes) -> None:
    assert passphrase(_file(tmp_path, GOOD + end), new=True) == GOOD.decode()


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (GOOD, 0o640, "the key file is open to others (mode 0640)"),
        (GOOD, 0o604, "the key file is open to others (mode 0604)"),
        (b"", 0o600, "the key file's first line is empty"),
        (b"\n" + GOOD, 0o600, "the key file's first line is empty"),
        (b"\xff\xfe" * 10, 0o600, "the key file's first line is no text"),
        (b"x" * (SHORTEST - 1), 0o600, "the passphrase has 11 characters, fewer than 12"),
    ],
)
def test_what_it_cannot_be(tmp_path: Path, content: bytes, mode: int, said: str) -> None:
    path = _file(tmp_path, content, mode)
    with pytest.raises(WallcloudError) as caught:
        passphrase(path, new=True)
    assert (caught.value.what, caught.value.where) == (said, str(path))
    assert GOOD.decode() not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(WallcloudError, match="the key file cannot be read: No such file or directory"):
        passphrase(tmp_path / "nowhere", new=False)


def test_one_that_was_short_when_it_was_made_still_opens(tmp_path: Path) -> None:
    assert passphrase(_file(tmp_path, b"short"), new=False) == "short"


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = (tmp_path / "stdin").open("w+")
    monkeypatch.setattr("sys.stdin", empty)
    with pytest.raises(WrongUse, match="there is no terminal to type the passphrase at"):
        passphrase(None, new=False)
    empty.close()
