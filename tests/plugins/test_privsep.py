"""The door to privileged helpers: what it serves, what it refuses, and that a service hears how it ended."""

import json
import socket
import sys
import threading
from pathlib import Path

import pytest

from wallcloud.plugins import privsep

CONTEXTS = ("nova.privsep.sys_admin_pctxt", "vif_plug_ovs.privsep.vif_plug")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def helper(folder: Path, status: int = 0) -> Path:
    """A helper that writes its words and ends with `status`."""
    path = folder / "helper"
    words = folder / "words"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(words)!r}, 'w').write(' '.join(sys.argv[1:]))\nsys.exit({status})\n"
    )
    path.chmod(0o755)
    return path


def served(folder: Path, sent: bytes, status: int = 0) -> tuple[str, str]:
    """What the unit says to `sent`, and what went wrong by its own account."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(sent)
        ours.shutdown(socket.SHUT_WR)
        wrong = privsep.serve(theirs, str(helper(folder, status)), str(folder), CONTEXTS, ["--config-file", "/x"])
        return ours.recv(4096).decode(), wrong


def request(context: str, path: object) -> bytes:
    return json.dumps([context, str(path)]).encode() + b"\n"


def test_a_helper_is_started_with_what_was_asked(folder: Path) -> None:
    path = folder / "tmp1" / "privsep.sock"
    assert served(folder, request(CONTEXTS[1], path)) == ("ok\n", "")
    words = (folder / "words").read_text().split()
    assert words == ["--config-file", "/x", "--privsep_context", CONTEXTS[1], "--privsep_sock_path", str(path)]


def test_a_failing_helper_is_told_to_both(folder: Path) -> None:
    answer, wrong = served(folder, request(CONTEXTS[0], folder / "sock"), status=3)
    assert answer == f"{wrong}\n"
    assert wrong.endswith("ended with status 3")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\n",
        b"no json\n",
        b"[1, 2]\n",
        b'{"a": "b"}\n',
        request("os.system", "/run/x/sock"),
        b'["nova.privsep.sys_admin_pctxt"]\n',
        b"x" * 10000,
    ],
)
def test_what_is_no_request_starts_nothing(folder: Path, sent: bytes) -> None:
    answer, wrong = served(folder, sent)
    assert wrong
    assert answer == f"{wrong}\n"
    assert not (folder / "words").exists()


def test_sockets_elsewhere_are_refused(folder: Path) -> None:
    (folder / "inside").mkdir()
    (folder / "way-out").symlink_to("/run")
    for path in ("/run/dbus/system_bus_socket", f"{folder}/inside/../../x", f"{folder}/way-out/x", f"{folder}x/y", "x"):
        answer, wrong = served(folder, request(CONTEXTS[0], path))
        assert "does not lie in" in wrong, path
        assert answer == f"{wrong}\n"
    assert not (folder / "words").exists()


@pytest.mark.parametrize(("said", "expected"), [(b"ok\n", ""), (b"no\n", "no"), (b"", "ended without an answer")])
def test_the_service_hears_the_answer(folder: Path, said: bytes, expected: str) -> None:
    where = folder / "door"
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(where))
        listening.listen(1)

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                heard.append(connection.recv(4096))
                connection.sendall(said)

        other = threading.Thread(target=answer)
        other.start()
        words = ["ask", str(where), "--privsep_context", CONTEXTS[0], "--privsep_sock_path", "/run/x/sock"]
        wrong = privsep.main(words)
        other.join()
    assert json.loads(heard[0]) == [CONTEXTS[0], "/run/x/sock"]
    assert (expected in wrong) if expected else wrong == ""


def test_nobody_at_the_door_is_an_error(folder: Path) -> None:
    with pytest.raises(OSError):
        privsep.ask(str(folder / "nobody"), CONTEXTS[0], "/run/x/sock")
