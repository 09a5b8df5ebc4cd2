"""Commands of a report: what can be copied, with programs that are there."""

import shlex
import shutil
import socket
import subprocess
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.design.world import designed

from wallcloud.verify import by_hand, doors
from wallcloud.verify.door import Tokens
from wallcloud.verify.expectation import Part, Probe, Seen

LAB = by_hand.on_lab(" --site a/site.yaml")
HOSTS = by_hand.on_hosts({"office": "desk7", "admin": "jump"})


def shown(repeat: str, run: by_hand.Run = LAB, site: str = " --site a/site.yaml", part: str = "doors") -> str:
    seen = Seen(Probe("a/b", "office", "open", "why", {}, repeat=repeat), "open")
    (whole,) = by_hand.completed((Part(part, (seen,), 1.0),), site, run, ("doors", "paths"))
    return whole.seen[0].probe.repeat


def test_a_command_names_the_site() -> None:
    tried = by_hand.at("office", by_hand.connect("198.18.10.11", 22))
    assert shown(tried) == (
        "wallcloud lab exec --site a/site.yaml office -- timeout 2 bash -c '</dev/tcp/198.18.10.11/22'"
    )
    assert shown(by_hand.again("doors", "a/b")) == "wallcloud verify --site a/site.yaml --part doors --only a/b"
    assert shown(tried, by_hand.on_lab(""), "") == tried


def test_what_is_run_on_a_node_has_its_shell() -> None:
    text = shown("control# stat -c '%a %U' /etc/x; id")
    assert shlex.split(text)[-3:] == ["bash", "-c", "stat -c '%a %U' /etc/x; id"]
    assert text.startswith("wallcloud lab exec --site a/site.yaml control -- ")


def test_on_real_hosts_there_is_no_lab() -> None:
    tried = by_hand.at("office", by_hand.connect("198.18.10.11", 22))
    # ssh gives what it is told to a second shell.
    assert shlex.split(shlex.split(shown(tried, HOSTS))[-1]) == by_hand.connect("198.18.10.11", 22)
    assert shown(tried, HOSTS).startswith("ssh desk7 -- ")
    assert shown("control# id", HOSTS) == "control# bash -c id"


def test_an_expectation_without_a_command_is_tried_again() -> None:
    assert shown("", part="paths") == "wallcloud verify --site a/site.yaml --part paths --only a/b"
    assert shown("", part="watch") == "", "a watch is none of verify's parts"
    assert shown("stat x", part="paths") == "stat x"


@given(st.text(), st.text())
def test_an_id_means_itself_alone(name: str, other: str) -> None:
    pattern = by_hand.literally(name)
    assert fnmatchcase(name, pattern)
    assert fnmatchcase(other, pattern) == (name == other)


def test_connect_tells_open_refused_and_silent_apart() -> None:
    def tried(port: int) -> int:
        argv = by_hand.connect("127.0.0.1", port, 1)
        return subprocess.run(argv, check=False, capture_output=True).returncode

    with socket.create_server(("127.0.0.1", 0)) as there:
        assert tried(there.getsockname()[1]) == 0
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert tried(unused.getsockname()[1]) == 1
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        taken = [socket.socket() for _ in range(4)]
        for each in taken:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        assert tried(full.getsockname()[1]) == 124
        for each in taken:
            each.close()


@pytest.mark.parametrize("member", [None, doors.Credentials("demo", "hunter2", "demo")])
def test_every_probe_of_the_doors_can_be_repeated(member: doors.Credentials | None) -> None:
    admin, service = (doors.Credentials(name, "hunter2", name) for name in ("admin", "service"))
    users, got = doors.Users(admin, service, member), Tokens("T-a", "T-s", "T-m")
    for each in doors.probes(designed(), "CA", "/a b/ca.pem", users, got):
        words = shlex.split(each.repeat)
        assert words[:3] in (["wallcloud", "lab", "exec"], ["wallcloud", "verify", "--part"]), each.id
        program = words[5] if words[1] == "lab" else "bash"
        assert program in ("curl", "timeout") or shutil.which(program), each.id
        assert not {"nc", "ping", "tcpdump"} & set(words)
        assert not any(secret in each.repeat for secret in ("hunter2", "T-a", "T-s", "T-m"))
