"""The state folder: closed to others, written whole, one operator at a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.design.goldens import golden

from wallcloud.deploy.milestones import Milestones
from wallcloud.deploy.state import StateFolder, operator
from wallcloud.errors import WallcloudError

FOLDER = Path(__file__).parent / "golden"


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    made = StateFolder(tmp_path / "deep/state")
    made.make()
    return made


def told(error: WallcloudError, folder: Path) -> str:
    lines = [f"{error.where}: {error.what}", *error.output, error.hint, ""]
    return "\n".join(lines).replace(str(folder), "STATE")


def test_modes(state: StateFolder) -> None:
    assert state.path.stat().st_mode & 0o777 == 0o700
    state.write("a/b", b"x")
    state.write("cert", b"x", 0o644)
    assert (state.path / "a").stat().st_mode & 0o777 == 0o700
    assert (state.path / "a/b").stat().st_mode & 0o777 == 0o600
    assert (state.path / "cert").stat().st_mode & 0o777 == 0o644
    state.make()


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_that_others_may_open_is_refused(state: StateFolder, mode: int) -> None:
    state.path.chmod(mode)
    with pytest.raises(WallcloudError) as raised:
        state.make()
    assert raised.value.what == f"the state folder is open to others (mode {mode:04o})"
    assert raised.value.hint == f"it holds the CA's key and every secret: chmod 700 {state.path}"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file/state"):
        with pytest.raises(WallcloudError, match="the state folder cannot be made: "):
            StateFolder(path).make()


def test_what_is_written_is_whole_or_not_there(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    state.write("x", b"before")

    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        state.write("x", b"after")
    assert (state.path / "x").read_bytes() == b"before"


def test_a_link_in_the_way_is_not_followed(state: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (state.path / f".x.{os.getpid()}").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        state.write("x", b"secret")
    assert (tmp_path / "precious").read_text() == "precious"


def test_secrets_are_made_once_and_strong(state: StateFolder) -> None:
    first = state.secrets(("a", "b"))
    assert len(set(first.values())) == 2
    assert all(len(bytes.fromhex(value)) == 32 for value in first.values())
    second = state.secrets(("b", "c"))
    assert second["b"] == first["b"]
    assert set(second) == {"b", "c"}
    assert set(json.loads((state.path / "secrets.json").read_text())) == {"a", "b", "c"}
    assert (state.path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_plan_keeps_none(state: StateFolder) -> None:
    kept = state.secrets(("a",))
    found = state.secrets_known(("a", "b"))
    assert found["a"] == kept["a"]
    assert len(found["b"]) == 64
    assert set(json.loads((state.path / "secrets.json").read_text())) == {"a"}


BROKEN = {
    "cut": b'{"identity-admin": "5',
    "list": b"[]",
    "number": b'{"identity-admin": 5}',
    "empty-text": b'{"identity-admin": ""}',
    "binary": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_secrets_are_never_made_anew(state: StateFolder, case: str) -> None:
    state.write("secrets.json", BROKEN[case])
    with pytest.raises(WallcloudError) as raised:
        state.secrets(("identity-admin",))
    assert (state.path / "secrets.json").read_bytes() == BROKEN[case]
    if case != "deep":  # its words are Python's, and change
        golden(FOLDER / f"state-secrets-{case}.txt", told(raised.value, state.path))


def test_broken_facts_may_be_deleted(state: StateFolder) -> None:
    state.write("facts/api.json", b"{")
    with pytest.raises(WallcloudError) as raised:
        state.facts("api")
    golden(FOLDER / "state-facts.txt", told(raised.value, state.path))
    (state.path / "facts/api.json").unlink()
    assert state.facts("api") is None


def test_a_folder_where_a_file_should_be(state: StateFolder) -> None:
    (state.path / "secrets.json").mkdir()
    with pytest.raises(WallcloudError, match="cannot be read: Is a directory"):
        state.secrets(("a",))


def test_the_lock_names_who_holds_it(state: StateFolder) -> None:
    with state.lock():
        with pytest.raises(WallcloudError) as raised, StateFolder(state.path).lock():
            pytest.fail("two held it")
        assert raised.value.what == f"{operator()}, pid {os.getpid()}, is at work on this site"
        assert raised.value.hint == "wait until it ends, or end that process"
    with state.lock():
        pass


def test_the_lock_ends_with_its_process(state: StateFolder) -> None:
    code = (
        "import os, sys; from pathlib import Path; from wallcloud.deploy.state import StateFolder\n"
        "with StateFolder(Path(sys.argv[1])).lock(): os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(state.path)], check=False)
    assert done.returncode == -9
    with state.lock():
        assert "pid" in (state.path / "lock").read_text()


def test_a_lock_whose_holder_has_not_written_yet(state: StateFolder) -> None:
    with state.lock():
        (state.path / "lock").write_text("")
        with pytest.raises(WallcloudError, match="another wallcloud is at work"), StateFolder(state.path).lock():
            pytest.fail("two held it")


# -- milestones


class Relay:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def __call__(self, node: str, message: dict[str, str]) -> None:
        self.sent.append((node, message["op"], message.get("why", message["name"])))


def milestones() -> tuple[Milestones, Relay]:
    relay = Relay()
    return Milestones({"x": "a", "y": "a", "z": "b"}, relay), relay


def test_reached_before_and_after_somebody_waits() -> None:
    found, relay = milestones()
    found.reached("x")
    found.wait("b", ("x", "y"))
    found.wait("c", ("y",))
    assert relay.sent == [("b", "milestone", "x")]
    found.reached("y")
    found.reached("y")
    assert relay.sent[1:] == [("b", "milestone", "y"), ("c", "milestone", "y")]


def test_failed_before_and_after_somebody_waits() -> None:
    found, relay = milestones()
    found.wait("b", ("x",))
    found.over("a", "a: broke")
    assert relay.sent == [("b", "milestone-failed", "a: broke")]
    found.wait("c", ("y",))
    assert relay.sent[1:] == [("c", "milestone-failed", "a: broke")]


def test_what_was_reached_stays_reached_when_its_node_fails_later() -> None:
    found, relay = milestones()
    found.reached("x")
    found.over("a", "a: broke")
    found.over("a", "again")
    found.wait("b", ("x", "y"))
    assert relay.sent == [("b", "milestone", "x"), ("b", "milestone-failed", "a: broke")]


def test_other_nodes_milestones_are_untouched() -> None:
    found, relay = milestones()
    found.wait("a", ("z",))
    found.over("a", "a: broke")
    assert relay.sent == []
    found.wait("c", ("unknown",))
    assert relay.sent == [("c", "milestone-failed", "no node publishes it")]
