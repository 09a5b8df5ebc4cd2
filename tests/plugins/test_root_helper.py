"""The root helper of Neutron's agents: what it refuses; and, as root, a program that it really runs in a namespace."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wallcloud.plugins import root_helper

UUID = "701e16fc-d026-4da4-8768-106525bb76b0"
SPACE = f"qrouter-{UUID}"
PREFIX, PROGRAMS = "qrouter-", ("haproxy", "sh")
TAG = ["env", f"PROCESS_TAG=haproxy-{UUID}"]


@pytest.mark.parametrize(
    "command",
    [
        ["ip", "netns", "exec", SPACE, *TAG, "haproxy", "-f", "/x.conf"],
        ["ip", "netns", "exec", SPACE, "haproxy"],
    ],
)
def test_what_is_run(command: list[str]) -> None:
    assert root_helper.refused(command, PREFIX, PROGRAMS) == ""


@pytest.mark.parametrize(
    "command",
    [
        None,
        "ip netns exec",
        ["ip", "netns", "exec", SPACE, 7],
        [],
        ["haproxy"],
        ["ip", "netns", "del", SPACE],
        ["ip", "netns", "exec", SPACE],
        ["ip", "netns", "exec", SPACE, *TAG],
        ["ip", "netns", "exec", "qdhcp-701e16fc-d026-4da4-8768-106525bb76b0", "haproxy"],
        ["ip", "netns", "exec", f"{SPACE}/../1", "haproxy"],
        ["ip", "netns", "exec", f"-all {SPACE}", "haproxy"],
        ["ip", "netns", "exec", SPACE, "bash"],
        ["ip", "netns", "exec", SPACE, "/tmp/haproxy"],
        ["ip", "netns", "exec", SPACE, "env", "LD_PRELOAD=/tmp/a b", "haproxy"],
        ["ip", "netns", "exec", SPACE, "env", "-i", "haproxy"],
        ["/tmp/ip", "netns", "exec", SPACE, "haproxy"],
    ],
)
def test_what_is_refused(command: object) -> None:
    assert root_helper.refused(command, PREFIX, PROGRAMS)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Path]:
    """As systemd does with Accept=yes: `serve` in a thread for each connection."""
    path = tmp_path / "door.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(20)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    root_helper.serve(connection, PREFIX, PROGRAMS)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield path
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def ask(door: Path, *command: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-I", str(root_helper.__file__), "ask", str(door), *command]
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=False, timeout=20)


def test_a_refusal_reaches_the_agent(door: Path) -> None:
    done = ask(door, "rm", "-r", "/nowhere")
    assert done.returncode == root_helper.REFUSED
    assert done.stderr == "root helper: only programs in network namespaces are started here\n"


def test_without_a_door_there_is_an_error_and_no_trace(tmp_path: Path) -> None:
    done = ask(tmp_path / "none", "ip", "netns", "exec", SPACE, "haproxy")
    assert done.returncode == 1
    assert done.stderr.startswith("root helper: ") and "Traceback" not in done.stderr


@pytest.fixture
def space() -> Iterator[str]:
    name = "qrouter-00000000-0000-4000-8000-0000000000ff"
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.root
def test_streams_and_status_are_the_programs_own(door: Path, space: str) -> None:
    script = "cat; echo tag $PROCESS_TAG; ip -br link | wc -l; echo bad >&2; exit 7"
    done = ask(door, "ip", "netns", "exec", space, "env", "PROCESS_TAG=x-1", "sh", "-c", script, given="hello\n")
    assert done.returncode == 7
    assert done.stdout.splitlines() == ["hello", "tag x-1", "1"]
    assert done.stderr == "bad\n"


@pytest.mark.root
def test_it_does_not_wait_for_what_the_program_leaves_behind(door: Path, space: str) -> None:
    script = "(sleep 15 </dev/null >/dev/null 2>&1 & echo $!)"
    done = ask(door, "ip", "netns", "exec", space, "sh", "-c", script)
    assert done.returncode == 0
    child = Path(f"/proc/{done.stdout.strip()}")
    assert child.exists()
    subprocess.run(["kill", done.stdout.strip()], check=True)
