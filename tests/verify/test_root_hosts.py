"""What the programs on nodes see of this computer's kernel: sockets in any namespace, and what accounts can open."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wallcloud.verify.far.becoming import as_account
from wallcloud.verify.paths.far import searching, trying
from wallcloud.verify.sockets.far import listening

pytestmark = [pytest.mark.root]

HEARS = """
import socket, sys
kept = [socket.socket() for _ in range(2)]
kept[0].bind(("127.0.0.1", 0)); kept[0].listen()
kept.append(socket.socket(type=socket.SOCK_DGRAM)); kept[2].bind(("127.0.0.1", 0))
kept.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))); kept[3].bind(("lo", 0))
kept.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, 253))
kept.append(socket.socket(socket.AF_UNIX)); kept[5].bind("\\0wallcloud-test"); kept[5].listen()
print(kept[0].getsockname()[1], kept[2].getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def hearing() -> Iterator[tuple[int, str, str]]:
    """A program in a network namespace without a name: its pid, its ports of TCP and UDP."""
    script = f"ip link set lo up; exec {sys.executable} -c '{HEARS.replace(chr(39), chr(34))}'"
    argv = ["unshare", "--net", "sh", "-c", script]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout and program.stdin
        tcp, udp = program.stdout.readline().split()
        yield program.pid, tcp, udp
        program.stdin.close()


def test_sockets_are_seen_in_a_namespace_that_only_a_process_keeps() -> None:
    with hearing() as (pid, tcp, udp):
        own = str(Path(f"/proc/{pid}/ns/net").stat().st_ino)
        told = listening.sockets()
    assert own in told["spaces"] and told["spaces"][own]
    found = {(each["kind"], each["at"]): each for each in told["sockets"] if each["space"] == own}
    assert set(found) == {
        ("tcp", f"127.0.0.1:{tcp}"),
        ("udp", f"127.0.0.1:{udp}"),
        ("packet", "lo"),
        ("raw", "253"),
        ("unix", "@wallcloud-test"),
    }
    for each in found.values():
        assert [(holder["pid"], holder["account"]) for holder in each["holders"]] == [(pid, "root")]


@pytest.fixture
def reached() -> Iterator[Path]:
    """A folder that everybody reaches."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_accounts_can_open(reached: Path) -> None:
    for name, mode in (("closed", 0o600), ("open", 0o644)):
        (reached / name).write_text("text")
        (reached / name).chmod(mode)
    inner = reached / "inner"
    inner.mkdir(mode=0o700)
    (inner / "open").write_text("text")
    sockets = []
    for name, mode in (("closed.sock", 0o600), ("open.sock", 0o666)):
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[-1].bind(str(reached / name))
        sockets[-1].listen()
        (reached / name).chmod(mode)
    tries = [
        *(("open", name) for name in ("closed", "open", "inner", "inner/open", "none")),
        *((how, name) for how in ("connect", "reach") for name in ("closed.sock", "open.sock")),
    ]
    asked = [(how, str(reached / name)) for how, name in tries]
    told = trying.tried({"nobody": asked, "root": asked})
    assert told["nobody"] == ["refused", "opened", "refused", "refused", "absent", *["refused", "opened"] * 2]
    assert told["root"] == ["opened", "opened", "opened", "opened", "absent", *["opened", "opened"] * 2]
    for each in sockets:
        each.close()


def test_who_becomes_another_has_nothing_of_roots() -> None:
    uids, groups = as_account("nobody", lambda: [os.getresuid(), os.getgroups()])
    assert set(uids) == {65534} and 0 not in groups
    with pytest.raises(RuntimeError, match="KeyError"):
        as_account("nobody-of-this-name", lambda: None)


def test_a_core_dump_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    dump, program = tmp_path / "core.1", tmp_path / "core"
    dump.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x04\x00rest")
    program.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00rest")
    assert searching._is_dump(str(dump)) and not searching._is_dump(str(program))
