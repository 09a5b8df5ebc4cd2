"""What a node gives for a bundle, asked of this computer: programs, files with their limits, its own secrets kept."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from tests.node.test_node_redact import PEM, SCALAR

from wallcloud.node import bundle as room
from wallcloud.node.session import Session

KEY = Fernet.generate_key()


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for /etc/wallcloud; the programs are few and quick."""
    monkeypatch.setattr(room, "CONFIGURATION", str(tmp_path / "etc"))
    monkeypatch.setattr(
        room,
        "_PROGRAMS",
        {
            "kernel.txt": ("uname", "-a"),
            "none.txt": ("no-such-program",),
            "fails.txt": ("ls", "/no such folder"),
            "long.txt": ("head", "-c", str(room.OUTPUT_LIMIT + 1000), "/dev/zero"),
        },
    )
    (tmp_path / "etc").mkdir()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "0").write_bytes(KEY)
    (tmp_path / "etc" / "x.key").write_bytes(PEM)
    return tmp_path / "etc"


def given(etc: Path, *files: str) -> tuple[dict[str, tuple[dict[str, Any], bytes]], dict[str, str]]:
    """Members with their data, and what was left out with why."""
    keys = [str(etc / "x.key"), str(etc.parent / "keys"), str(etc / "not-there.key")]
    heard = io.BytesIO()
    session = Session(io.BytesIO(), heard)
    request = {"op": "bundle", "since": 0, "journal": 100_000, "files": list(files), "keys": keys}
    assert room.bundle(request, session) == 0
    heard.seek(0)
    members, left = {}, {}
    for event in _events(heard):
        if event["event"] == "member":
            members[event["name"]] = (event, next(_events(heard))["data"])
        elif event["event"] == "left-out":
            left[event["name"]] = event["why"]
    return members, left


def _events(heard: io.BytesIO) -> Iterator[dict[str, Any]]:
    while line := heard.readline():
        event = json.loads(line)
        if event["event"] == "data":
            event["data"] = heard.read(event["bytes"])
        yield event


def test_programs(etc: Path) -> None:
    members, left = given(etc)
    assert members["kernel.txt"][1].startswith(b"$ uname -a\nLinux")
    assert members["fails.txt"][0]["note"] == "ls ended with status 2"
    assert "none.txt" not in members and "none.txt" not in left
    told, data = members["long.txt"]
    assert len(data) == room.OUTPUT_LIMIT and told["note"].startswith("cut: the first 2097152 of")
    assert len(members["journal.txt"][1]) <= 100_000


def test_files(etc: Path) -> None:
    (etc / "a").mkdir()
    (etc / "a" / "nova.conf").write_text("[database]\nconnection = mysql+pymysql://nova:hunter2hunter2@/nova\n")
    (etc / "big").write_bytes(b"x" * (room.FILE_LIMIT + 1))
    (etc / "link").symlink_to(etc.parent / "keys" / "0")
    beside = etc.parent / "keystone.conf"
    beside.write_text("fine\n")
    members, left = given(etc, str(beside), "/etc/no-such-file")
    assert members[f"files{etc}/a/nova.conf"][1] == (
        "[database]\nconnection = mysql+pymysql://nova:«secret password in a URL»@/nova\n".encode()
    )
    assert members[f"files{beside}"][1] == b"fine\n"
    assert left == {
        f"files{etc}/x.key": "it is a key",
        f"files{etc}/big": f"it is larger than {room.FILE_LIMIT} bytes",
        f"files{etc}/link": "Too many levels of symbolic links",
        "files/etc/no-such-file": "No such file or directory",
    }


def test_the_nodes_own_secrets_stay(etc: Path) -> None:
    """They are not the deployer's to know: only the node can look for them."""
    (etc / "log").write_text(f"key {KEY.decode()} and {SCALAR.hex()}\n")
    (etc / "copy.pem").write_bytes(PEM)
    (etc / "spread").write_text("\n".join((KEY.decode()[:20], KEY.decode()[20:])))
    members, left = given(etc)
    assert members[f"files{etc}/log"][1].decode() == "key «secret 0» and «secret x.key»\n"
    assert members[f"files{etc}/log"][0]["marks"] == 2
    assert members[f"files{etc}/copy.pem"][1].decode().strip() == "«secret private key»"
    assert left[f"files{etc}/spread"] == "a secret of the node is still in it"
