"""Files, directories and links, in a folder of the test's own."""

import os
import stat
from pathlib import Path

import pytest
from tests.node.bare import Bare, differing

from wallcloud.node import files
from wallcloud.node.resource import Resource, ResourceFailed
from wallcloud.node.resources import Directory, File, Link
from wallcloud.node.secret import Secret, Text

ME = files.owner_of(os.lstat("."))


def file(path: Path, content: Text = "a\nb\n", mode: int = 0o644) -> File:
    return File(path=str(path), owner=ME["owner"], group=ME["group"], content=content, mode=mode)


def directory(path: Path, mode: int = 0o755, *, exclusive: bool = False) -> Directory:
    return Directory(path=str(path), owner=ME["owner"], group=ME["group"], mode=mode, exclusive=exclusive)


def settle(resource: Resource, context: Bare) -> None:
    """Applies; nothing may differ afterwards."""
    resource.apply(context, resource.compare(context))
    assert differing(resource, context) == []


def test_a_file_is_made_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    wanted, context = file(tmp_path / "f", mode=0o600), Bare()
    assert differing(wanted, context) == ["type", "content", "owner", "group", "mode"]
    settle(wanted, context)
    assert (tmp_path / "f").read_text() == "a\nb\n"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_leftover_beside_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".f.wallcloud").write_text("half")
    settle(file(tmp_path / "f"), Bare())
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "f").symlink_to("victim")
    wanted = file(tmp_path / "f")
    assert "type" in differing(wanted, Bare())
    settle(wanted, Bare())
    assert (tmp_path / "victim").read_text() == "untouched"
    assert not (tmp_path / "f").is_symlink()


def test_only_the_mode_keeps_the_inode(tmp_path: Path) -> None:
    settle(file(tmp_path / "f"), Bare())
    before = (tmp_path / "f").stat().st_ino
    (tmp_path / "f").chmod(0o666)
    settle(file(tmp_path / "f"), Bare())
    assert (tmp_path / "f").stat().st_ino == before


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResourceFailed) as failed:
        files.write(str(tmp_path / "no" / "f"), b"", ME["owner"], ME["group"], 0o644)
    assert failed.value.what == f"the directory of {tmp_path}/no/f does not exist"
    assert failed.value.hint == f"a Directory {tmp_path}/no is missing before it in the spec"


def test_a_full_directory_in_the_way_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "precious").write_text("data")
    with pytest.raises(ResourceFailed, match=r"a directory stands at .*/f and is not empty") as failed:
        file(tmp_path / "f").apply(Bare(), file(tmp_path / "f").compare(Bare()))
    assert failed.value.hint.endswith(f"mv {tmp_path}/f {tmp_path}/f.old")
    assert (tmp_path / "f" / "precious").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_an_unknown_account_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResourceFailed, match="no account nobody-of-that-name on this node"):
        files.write(str(tmp_path / "f"), b"", "nobody-of-that-name", "root", 0o644)


def test_a_public_file_shows_its_difference(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\nx\n")
    (tmp_path / "f").chmod(0o644)
    change = file(tmp_path / "f").compare(Bare())[0]
    assert (change.property, change.before, change.after) == ("content", "2 lines", "2 lines")
    assert change.diff == "@@ -1,2 +1,2 @@\n a\n-x\n+b"


SECRET = ("[db]\npassword = ", Secret("word"), "\nport = 1\n")


def secret_diff(path: Path, now: str, word: str) -> str:
    path.write_text(now)
    path.chmod(0o600)
    change = file(path, SECRET, 0o600).compare(Bare(word=word))[0]
    assert change.secret
    assert change.before is None
    assert change.after is None
    return change.diff or ""


def test_a_secret_never_shows(tmp_path: Path) -> None:
    diff = secret_diff(tmp_path / "f", "[db]\npassword = old-one\nport = 2\n", word="new-one")
    assert diff == (
        "@@ -1,3 +1,3 @@\n [db]\n-«a line that is not shown»\n-«a line that is not shown»\n"
        "+password = «secret word»\n+port = 1"
    )


def test_an_unchanged_secret_line_is_no_difference(tmp_path: Path) -> None:
    diff = secret_diff(tmp_path / "f", "[db]\npassword = same\n", word="same")
    assert diff == "@@ -1,2 +1,3 @@\n [db]\n password = «secret word»\n+port = 1"


def test_a_secret_of_many_lines(tmp_path: Path) -> None:
    diff = secret_diff(tmp_path / "f", "[db]\npassword = k1\nk2\nport = 1\n", word="n1\nn2")
    assert "k1" not in diff
    assert "n2" not in diff
    assert diff.count("+password = «secret word»") == 2


def test_a_file_that_was_not_public_shows_none_of_its_old_lines(tmp_path: Path) -> None:
    """What had a hole in the last version's spec may be plain in this one's."""
    (tmp_path / "f").write_text("password = old-one\nport = 1\n")
    (tmp_path / "f").chmod(0o600)
    change = file(tmp_path / "f", "port = 1\n").compare(Bare())[0]
    assert change.diff == "@@ -1,2 +1 @@\n-«a line that is not shown»\n port = 1"


def test_what_is_no_text_differs(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xff\xfe")
    assert "content" in differing(file(tmp_path / "f", "\\xff\\xfe"), Bare())


def test_a_directory(tmp_path: Path) -> None:
    wanted = directory(tmp_path / "d", 0o750)
    settle(wanted, Bare())
    (tmp_path / "d").rmdir()
    (tmp_path / "d").symlink_to("/")
    assert "type" in differing(wanted, Bare())
    settle(wanted, Bare())


def test_a_file_where_a_directory_must_be_is_kept(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("data")
    with pytest.raises(ResourceFailed, match=r"a file stands where the directory .*/d must be"):
        wanted = directory(tmp_path / "d")
        wanted.apply(Bare(), wanted.compare(Bare()))


def test_an_exclusive_directory(tmp_path: Path) -> None:
    folder = directory(tmp_path / "d", exclusive=True)
    named = File(path=str(tmp_path / "d" / "sub" / "named"), content="x")
    kept = File(path=str(tmp_path / "d" / "kept"), content="x")
    context = Bare(folder, named, kept)
    settle(folder, context)
    for name in ("kept", "stranger", "sub/named", "tree/of/strangers"):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_text("x")
    (tmp_path / "d" / "dangling").symlink_to("/nowhere")
    changes = folder.compare(context)
    assert [(each.property, each.before) for each in changes] == [("strangers", ("dangling", "stranger", "tree"))]
    assert folder.consequence(changes).startswith(f"removes {tmp_path}/d/dangling, ")
    settle(folder, context)
    assert sorted(each.name for each in (tmp_path / "d").iterdir()) == ["kept", "sub"]


def test_a_link(tmp_path: Path) -> None:
    wanted = Link(path=str(tmp_path / "l"), target="/etc/hosts")
    settle(wanted, Bare())
    (tmp_path / "l").unlink()
    (tmp_path / "l").write_text("a file")
    assert differing(wanted, Bare()) == ["type"]
    settle(wanted, Bare())
