"""The programs that verify starts elsewhere, here as processes of this computer."""

import http.server
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from wallcloud.verify.hands import ARGV, Hands, Trouble
from wallcloud.verify.tenants.far import inventory
from wallcloud.verify.tenants.programs import NODE, WORKSTATION

HERE = [sys.executable, *ARGV[1:]]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def workstation() -> Iterator[Hands]:
    with Hands("here", HERE, WORKSTATION) as hands:
        yield hands


@pytest.fixture(scope="module")
def guest() -> Iterator[int]:
    """An HTTP server that counts as a guest's does."""

    class Guest(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bytes(at % 251 for at in range(1000)) if self.path == "/right" else b"x" * 1000
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_connect(workstation: Hands, guest: int) -> None:
    assert workstation.call("connect", address="127.0.0.1", port=guest, wait=2) == "open"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert workstation.call("connect", address="127.0.0.1", port=port, wait=2) == "refused"


def test_the_mirror_says_whom_it_sees(workstation: Hands) -> None:
    port = workstation.call("serve")["port"]
    told = workstation.call("fetch", address="127.0.0.1", port=port, path="/", wait=5)
    assert told == {"status": 200, "body": "127.0.0.1"}
    assert workstation.call("own", address="127.0.0.1") == "127.0.0.1"


@ROOT
@pytest.mark.parametrize("size", [28, 29, 84, 1500])
def test_ping(workstation: Hands, size: int) -> None:
    assert workstation.call("ping", address="127.0.0.1", size=size, wait=2) == "answered"


@ROOT
def test_ping_that_nobody_answers(workstation: Hands) -> None:
    with pytest.raises(Trouble, match="OSError"):
        workstation.call("ping", address="127.0.0.1", size=65600, wait=0.2)


def test_what_goes_wrong_there_is_told_in_one_line(workstation: Hands) -> None:
    with pytest.raises(Trouble, match="KeyError: 'nothing'") as raised:
        workstation.call("nothing")
    assert raised.value.where == "here"
    with pytest.raises(Trouble, match="ConnectionRefusedError"):
        workstation.call("ask", address="127.0.0.1", line="about", wait=1)


def test_calls_do_not_wait_for_each_other(workstation: Hands) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        taken = [socket.socket() for _ in range(4)]
        for each in taken:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        slow: list[Any] = []
        thread = threading.Thread(
            target=lambda: slow.append(workstation.call("connect", address="127.0.0.1", port=port, wait=1.5))
        )
        thread.start()
        workstation.call("own", address="127.0.0.1")
        assert slow == []
        thread.join()
        assert slow == ["silent"]
        for each in taken:
            each.close()


def test_a_place_that_ends() -> None:
    with Hands("away", ["sh", "-c", "echo last words >&2"], WORKSTATION) as hands:
        with pytest.raises(Trouble, match="ended") as raised:
            hands.call("own", address="127.0.0.1")
        assert raised.value.output == ("last words",)
    with pytest.raises(Trouble, match="/no/program cannot be started"):
        Hands("away", ["/no/program"], WORKSTATION)


def test_a_call_that_takes_too_long(workstation: Hands) -> None:
    with pytest.raises(Trouble, match="no answer in 0 s"):
        workstation.call("ask", within=0.0, address="127.0.0.1", line="about", wait=1)


def test_what_runs_there_is_small_and_secrets_are_no_arguments() -> None:
    assert len(" ".join(ARGV)) < 120
    assert all("wallcloud" not in word for word in ARGV)


@ROOT
def test_a_sniffer_counts_by_interface() -> None:
    tag = b"wc-sniffer-test"
    pattern = {"bytes": tag.hex(), "unless": b"tag=wc-sniffer-test".hex()}
    with Hands("here", HERE, NODE) as node, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        node.call("sniff", name="x", patterns={"it": pattern, "other": {"bytes": "00" * 40 + "77"}})
        assert node.call("sniff_wait", name="x", pattern="it", but="", seconds=0.1) is False
        link.sendto(b"send udp tag=" + tag, ("127.0.0.1", 9))
        assert node.call("sniff_wait", name="x", pattern="it", but="", seconds=0.3) is False
        link.sendto(b"..." + tag, ("127.0.0.1", 9))
        assert node.call("sniff_wait", name="x", pattern="it", but="", seconds=3) is True
        assert node.call("sniff_wait", name="x", pattern="it", but="lo", seconds=0.1) is False
        heard = node.call("sniff_end", name="x")
    assert set(heard["heard"]["it"]) == {"lo"}
    assert heard["heard"]["other"] == {}
    assert heard["total"] > 0


def test_an_inventory_is_sorted_lines() -> None:
    with Hands("here", HERE, NODE) as node:
        found = node.call("inventory", kinds=["namespaces", "devices", "programs"])
    assert "lo" in found["devices"]
    assert all(lines == sorted(lines) for lines in found.values())


def test_flows_without_what_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    said = " cookie=0x9a2f, table=0, priority=2 actions=drop\n table=20, hard_timeout=300, priority=1 actions=drop\n"
    monkeypatch.setattr(inventory, "_run", lambda *argv, **_: "br-int\n" if "list-br" in argv else said)
    assert list(inventory.flows()) == ["br-int table=0, priority=2 actions=drop"]


def test_rows_that_are_marked_deleted_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(*_: str, given: str) -> str:
        asked.append(given)
        tables = "nova\tinstances\t1\nnova\tinstance_actions\t1\nneutron\tports\t0\nnova_api\tinstance_mappings\t0\n"
        return tables if len(asked) == 1 else "nova.instances\t0\n"

    monkeypatch.setattr(inventory, "_run", run)
    assert list(inventory.rows()) == ["nova.instances 0"]
    assert "instance_actions" not in asked[1]
    assert "`neutron`.`ports` WHERE 1;" in asked[1]
    assert "`nova`.`instances` WHERE CAST(deleted AS CHAR) IN ('0', '');" in asked[1]
    assert "`nova_api`.`instance_mappings` WHERE queued_for_delete = 0;" in asked[1]
    json.dumps(asked)
