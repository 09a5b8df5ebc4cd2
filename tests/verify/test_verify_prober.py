"""The prober against servers of the test's own on loopback: every outcome is seen once."""

import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wallcloud.deploy.authority import Authority, Request
from wallcloud.deploy.state import StateFolder
from wallcloud.errors import WallcloudError
from wallcloud.verify import prober
from wallcloud.verify.expectation import Probe
from wallcloud.verify.places import over_ssh, run


class _Answer(http.server.BaseHTTPRequestHandler):
    def _say(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, head = 200, {}
        if self.path == "/identity/v3/auth/tokens":
            right = json.loads(body)["auth"]["identity"]["password"]["user"]["password"] == "right"
            status = 201 if right else 401
            head = {"X-Subject-Token": "the-token"} if right else {}
        if self.path == "/leak":
            head = {"Location": "https://198.18.10.11/"}
        if self.path == "/forbidden":
            status = 403
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = _say  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("verify")


@pytest.fixture(scope="module")
def ca(folder: Path) -> str:
    return _authority(folder).pem


def _authority(folder: Path) -> Authority:
    state = StateFolder(folder / "state")
    state.make()
    return Authority.open(state, "test")


@pytest.fixture(scope="module")
def door(folder: Path, ca: str) -> Iterator[int]:
    """A TLS server for `door.example`; its port."""
    assert ca
    made = subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", str(folder / "key"), "-subj", "/CN=door.example"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    wanted = Request("door.example", ("door.example",), ("server",), 1)
    (folder / "cert").write_text(_authority(folder).sign(made.stdout, wanted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def plain() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def tried(kind: str, port: int, **more: Any) -> tuple[str, str]:
    probe = {"id": "x", "kind": kind, "address": "127.0.0.1", "port": port, "name": "door.example", **more}
    answer = prober._one(probe)
    assert answer["id"] == "x"
    return answer["outcome"], answer["detail"]


def test_connect(door: int) -> None:
    assert tried("connect", door, seconds=2)[0] == "open"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert tried("connect", unused.getsockname()[1], seconds=2)[0] == "refused"
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        taken = [socket.socket() for _ in range(4)]
        for each in taken:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        assert tried("connect", port, seconds=0.3)[0] == "silent"
        for each in taken:
            each.close()


def test_tls(door: int, plain: int, ca: str) -> None:
    assert tried("tls", door, ca=ca)[0] == "verified"
    assert tried("tls", door, ca=None)[0] == "not verified"
    assert tried("tls", door, ca=ca, name="elsewhere.example")[0] == "not verified"
    assert tried("tls", plain, ca=ca)[0] == "no TLS"


def test_whom_the_whole_world_trusts(door: int, ca: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hole that `unknown-ca` looks for: a CA that the place's own system trusts vouches for the door."""
    (tmp_path / "ca.pem").write_text(ca)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert tried("tls", door, ca=None)[0] == "verified"


def test_plain(door: int, plain: int) -> None:
    assert tried("plain", plain)[0] == "answered"
    assert tried("plain", door)[0] == "refused"


def test_http(door: int, ca: str) -> None:
    def get(path: str, **more: Any) -> str:
        return tried("http", door, ca=ca, method="GET", path=path, **more)[0]

    assert get("/") == "status 200"
    assert get("/forbidden") == "status 403"
    assert get("/leak") == "status 200"
    assert get("/leak", forbidden=["198.18.10.11"]) == "leaks"
    assert get("/", forbidden=["ok"]) == "leaks"
    assert get("/", forbidden=["198.18.10.11"]) == "status 200"
    assert tried("http", door, ca=None, method="GET", path="/")[0] == "unreachable"


def test_login(door: int, ca: str) -> None:
    right = {"ca": ca, "user": "u", "password": "right", "project": "p"}
    assert tried("login", door, **right)[0] == "status 201"
    assert tried("login", door, **{**right, "password": "wrong"})[0] == "status 401"
    assert tried("token", door, **right) == ("token", "the-token")
    assert tried("token", door, **{**right, "password": "wrong"}) == ("status 401", "")


def test_a_login_names_its_scope_only_where_there_is_a_project() -> None:
    login = {"user": "u", "password": "p", "project": "demo"}
    assert prober._as_login(login)["body"]["auth"]["scope"]["project"]["name"] == "demo"
    assert "scope" not in prober._as_login({**login, "project": ""})["body"]["auth"]


# -- places


def local(place: str, argv: list[str]) -> list[str]:
    return [sys.executable, *argv[1:]] if place == "here" else ["sh", "-c", place]


def probe(id_: str, place: str, **what: Any) -> Probe:
    return Probe(id_, place, "open", "why", {"address": "127.0.0.1", "seconds": 2, **what})


def test_probes_run_at_their_place_and_come_back_in_order(door: int) -> None:
    every = [probe(str(number), "here", kind="connect", port=door) for number in range(40)]
    seen = run(every, local)
    assert [each.probe for each in seen] == every
    assert all(each.holds for each in seen)


def test_two_of_one_name_are_two(door: int) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        both = [probe("x", "here", kind="connect", port=port) for port in (door, unused.getsockname()[1])]
        assert [each.outcome for each in run(both, local)] == ["open", "refused"]


@pytest.mark.parametrize(
    ("place", "output"),
    [
        ("echo 'no such place' >&2; exit 1", ("no such place",)),
        ("printf '\\377'", ()),
        ("echo '[]'", ()),
        ('echo \'[{"id": "x"}]\'', ()),
        ("echo '[5]'", ()),
    ],
)
def test_a_place_that_does_not_answer(place: str, output: tuple[str, ...]) -> None:
    with pytest.raises(WallcloudError) as raised:
        run([probe("x", place, kind="connect", port=1)], local)
    assert raised.value.what == "the probes could not be run there"
    assert (raised.value.where, raised.value.output) == (place, output)


def test_a_place_without_the_program() -> None:
    with pytest.raises(WallcloudError, match="/no/program: No such file or directory"):
        run([probe("x", "p", kind="connect", port=1)], lambda *_: ["/no/program"])


def test_real_hosts_are_reached_by_ssh(tmp_path: Path) -> None:
    command = over_ssh({"office": "desk.example"}, tmp_path / "config")
    argv = command("office", ["/usr/bin/python3", "-c", "a b"])
    assert argv == [
        "ssh", "-T", "-o", "BatchMode=yes", "-F", str(tmp_path / "config"), "--", "desk.example",
        "/usr/bin/python3 -c 'a b'",
    ]  # fmt: skip
    assert "-F" not in over_ssh({"office": "desk.example"}, None)("office", ["x"])


def test_passwords_travel_by_standard_input_alone() -> None:
    told: list[str] = []

    def command(_: str, argv: list[str]) -> list[str]:
        told.extend(argv)
        return [sys.executable, *argv[1:]]

    run([probe("x", "p", kind="login", port=1, name="n", ca="", user="u", password="hunter2", project="p")], command)
    assert told
    assert not any("hunter2" in word for word in told)
