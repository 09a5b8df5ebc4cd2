"""Guests' devices are kept up: by the real program in a network namespace of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from wallcloud.plugins import guest_links

pytestmark = pytest.mark.root
SPACE = f"wc-test-links-{os.getpid()}"


def ip(*words: str) -> str:
    return subprocess.run(["ip", "-n", SPACE, *words], check=True, capture_output=True, text=True).stdout


def up(name: str) -> bool:
    (link,) = json.loads(ip("-j", "link", "show", name))
    return "UP" in link["flags"]


@pytest.fixture
def program() -> Iterator["subprocess.Popen[str]"]:
    """The program, in a namespace that has one guest's device, down."""
    subprocess.run(["ip", "netns", "add", SPACE], check=True)
    try:
        ip("tuntap", "add", "tap-before", "mode", "tap")
        argv = ["ip", "netns", "exec", SPACE, sys.executable, "-I", guest_links.__file__]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            yield process
            process.kill()
    finally:
        subprocess.run(["ip", "netns", "del", SPACE], check=True)


@pytest.mark.timeout(30)
def test_what_is_down_comes_up_again(program: "subprocess.Popen[str]") -> None:
    assert program.stdout is not None
    assert program.stdout.readline() == "tap-before is down: set up\n"
    ip("tuntap", "add", "other0", "mode", "tap")
    ip("tuntap", "add", "tap-later", "mode", "tap")
    assert program.stdout.readline() == "tap-later is down: set up\n"
    assert [up("tap-before"), up("tap-later"), up("other0")] == [True, True, False]
    ip("link", "set", "tap-before", "down")
    assert program.stdout.readline() == "tap-before is down: set up\n"
    ip("link", "set", "tap-later", "promisc", "on")
    assert [up("tap-before"), up("tap-later")] == [True, True]
    ip("link", "del", "tap-later")  # which sets it down first, and is over before it could be set up
    ip("tuntap", "add", "tap-last", "mode", "tap")
    assert program.stdout.readline() == "tap-later is down: set up\n"
    assert program.stdout.readline() == "tap-last is down: set up\n"
