"""Walls watched while they move, beside a real firewall, in a network namespace that goes with the test."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.verify.test_root_reach import SOURCE

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
PROGRAM = """
import json, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from wallcloud.verify.reach.far import packets, watcher
def sh(*words):
    subprocess.run(words, check=True, capture_output=True, text=True)
sh("ip", "link", "set", "lo", "up")
sh("nft", "add", "table", "inet", "wallcloud")
sh("nft", "add", "chain", "inet", "wallcloud", "input", "{ type filter hook input priority 0; policy accept; }")
sh("nft", "add", "chain", "inet", "wallcloud", "output", "{ type filter hook output priority 0; policy accept; }")
held, free = packets.HELD_BACK.start, packets.LET_THROUGH.start
shots = [["as", 0, held, 0, 0, "127.0.0.1", packets.TCP, 9], ["as", 0, free, 0, 0, "127.0.0.1", packets.ICMP, 0],
         ["as", 0, held, 65534, 0, "127.0.0.1", packets.TCP, 9]]
count, before, steps, leaving = json.loads(sys.stdin.read())
for rule in before:
    sh("nft", *rule.split())
watching = watcher.Watcher(shots, 3, leaving)
watching.settle()
def rounds(more):
    end = watching._rounds + more
    while watching._rounds < end:
        threading.Event().wait(0.05)
for step in steps:
    for rule in step:
        sh("nft", *rule.split())
    rounds(count)
print(json.dumps(watching.end()))
"""
SHUT = "add rule inet wallcloud input tcp dport 9 drop"
OPEN = "flush chain inet wallcloud input"
NOBODY_SHUT = "add rule inet wallcloud output meta skuid 65534 drop"
NOBODY_OPEN = "flush chain inet wallcloud output"


def watched(*steps: tuple[str, ...], before: tuple[str, ...] = (), rounds: int = 8, leaving: bool = False) -> Any:
    """What the watcher told after so many steps of so many rounds each; `before` stands when it begins."""
    done = subprocess.run(
        ("unshare", "--net", sys.executable, "-c", PROGRAM, str(SOURCE)),
        input=json.dumps([rounds, before, steps, leaving]),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_wall_that_comes_and_stays_is_no_hole() -> None:
    told = watched((), (SHUT,))
    assert told["holes"] == {} and told["rounds"] >= 16
    assert told["through"]["0"] < told["through"]["1"], "the echo is answered all the time"


def test_a_wall_that_opens_for_a_moment_is_one() -> None:
    told = watched((SHUT,), (OPEN,), (SHUT,))
    assert set(told["holes"]) == {"0", "2"}
    assert all(kind == "rst" for _, kind in told["holes"]["0"])


def test_one_that_opens_as_soon_as_it_is_settled_is_one() -> None:
    """What is shut is known by then: a hole of the first moment is none that was there all along."""
    told = watched((OPEN,), before=(SHUT,), rounds=2)
    assert set(told["holes"]) == {"0", "2"}


def test_an_account_that_may_ask_for_a_moment_is_one() -> None:
    """It leaves, whether it is answered or not; root's own way was open all along, and what comes in is no matter."""
    told = watched((SHUT, NOBODY_SHUT), (NOBODY_OPEN,), (NOBODY_SHUT,), leaving=True)
    assert set(told["holes"]) == {"2"}
    assert all(kind == "probe" for _, kind in told["holes"]["2"])
    assert told["through"]["2"] < told["through"]["0"]
