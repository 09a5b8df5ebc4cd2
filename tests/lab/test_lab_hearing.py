"""What a machine says while it boots is read, whatever the lab does meanwhile."""

import socket
from pathlib import Path

import pytest

from wallcloud.lab.hearing import Hearing


def test_a_talkative_machine_is_never_held_up(tmp_path: Path) -> None:
    """The kernel keeps some ten datagrams (net.unix.max_dgram_qlen); whoever sends more waits, for ever if need be."""
    path = tmp_path / "notify"
    with Hearing(path) as hearing, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as machine:
        machine.settimeout(5)
        machine.connect(str(path))
        for number in range(1000):
            machine.send(f"STATUS=Starting, {number}\nNOT_READY=1".encode())
        assert not hearing.ready.is_set()
        machine.send(b"STATUS=Startup finished\nREADY=1")
        assert hearing.ready.wait(5)
    assert not path.exists()


def test_a_long_path_and_what_was_left_behind_are_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200)
    folder.mkdir()
    (folder / "notify").touch()
    with Hearing(folder / "notify") as hearing:
        assert not hearing.ready.wait(0.01)


def test_nobody_hears_after_the_end(tmp_path: Path) -> None:
    hearing = Hearing(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as machine:
        machine.connect(str(tmp_path / "notify"))
        hearing.close()
        with pytest.raises(ConnectionRefusedError):
            machine.send(b"READY=1")
