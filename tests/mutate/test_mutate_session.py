"""A hole lives no longer than its session. Tried with bash here in the place of a node."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from wallcloud.mutate import session
from wallcloud.mutate.hole import Hole

OPEN = 'open() { keep "$target"; echo wide >"$target"; }\nclose() { restore "$target" || :; }\n'


def hole(script: str = OPEN) -> Hole:
    return Hole("wide", "a kind", "a hole", "here", ("doors",), ("a",), script)


def here(_node: str, argv: list[str]) -> list[str]:
    return argv


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(session, "LEFT", str(tmp_path / "left"))
    path = tmp_path / "file"
    path.write_text("narrow\n")
    return path


def test_open_inside_and_closed_after(target: Path) -> None:
    with session.opened(hole(), {"target": str(target)}, here):
        assert target.read_text() == "wide\n"
        assert (target.parent / "left" / "wide" / "close").exists()
    assert target.read_text() == "narrow\n"
    assert not list((target.parent / "left").iterdir())


def test_closed_when_the_inside_fails(target: Path) -> None:
    with pytest.raises(KeyboardInterrupt), session.opened(hole(), {"target": str(target)}, here):
        raise KeyboardInterrupt
    assert target.read_text() == "narrow\n"


def test_what_fails_to_open_is_closed(target: Path) -> None:
    half = 'open() { keep "$target"; echo half >"$target"; false; echo more; }\nclose() { restore "$target"; }\n'
    with pytest.raises(session.Unopened), session.opened(hole(half), {"target": str(target)}, here):
        raise AssertionError
    assert target.read_text() == "narrow\n"


def test_a_command_of_close_that_fails_is_no_close(target: Path) -> None:
    bad = OPEN.replace("restore", "false; restore")
    with pytest.raises(session.Unclosed) as caught, session.opened(hole(bad), {"target": str(target)}, here):
        pass
    assert caught.value.where == "here wide"
    assert (target.parent / "left" / "wide" / "close").exists()


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE])
def test_the_node_closes_when_its_session_is_ended(target: Path, how: signal.Signals) -> None:
    told = session.script(hole(), {"target": str(target)}).encode() + b"\0"
    with subprocess.Popen(["bash", "-c", session._READ], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(told)
        process.stdin.flush()
        assert process.stdout.readline() == b"open\n"
        os.kill(process.pid, how)
        assert process.stdout.readline() == b"closed\n"
    assert target.read_text() == "narrow\n"


def test_the_next_run_closes_what_a_killed_node_left(target: Path) -> None:
    told = session.script(hole(), {"target": str(target)}).encode() + b"\0"
    with subprocess.Popen(["bash", "-c", session._READ], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(told)
        process.stdin.flush()
        assert process.stdout.readline() == b"open\n"
        process.kill()
    assert target.read_text() == "wide\n"
    assert session.heal("here", here) == ("wide",)
    assert target.read_text() == "narrow\n"
    assert session.heal("here", here) == ()


def test_what_cannot_be_closed_is_told(target: Path) -> None:
    left = target.parent / "left" / "wide"
    left.mkdir(parents=True)
    (left / "close").write_text("echo no way >&2; exit 1\n")
    with pytest.raises(session.Unclosed) as caught:
        session.heal("here", here)
    assert caught.value.output == ("no way",)


def test_a_listener_is_there_when_the_hole_is_open_and_goes_with_it(target: Path) -> None:
    listener = (
        "open() { listen rogue '"
        'import socket; s = socket.create_server(("127.0.0.1", 0)); '
        'open("%s", "w").write(str(s.getsockname()[1])); print("ready", flush=True); s.accept()\'; }}\n'
        "close() {{ ends rogue; }}\n"
    ).replace("{{", "{").replace("}}", "}") % target
    with session.opened(hole(listener), {}, here):
        port = int(target.read_text())
        assert session_listens(port)
    assert not session_listens(port)


def session_listens(port: int) -> bool:
    return bool(subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, check=True).stdout)
