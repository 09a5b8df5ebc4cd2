"""Ears and senders on real interfaces, beside a real firewall, in a network namespace that goes with the test."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
SOURCE = Path(__file__).resolve().parents[2] / "src"
PROGRAM = """
import json, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from wallcloud.verify.reach.far import packets, program, sender
rules, told = json.loads(sys.stdin.read())
def sh(*words, **more):
    subprocess.run(words, check=True, capture_output=True, text=True, **more)
sh("ip", "link", "set", "lo", "up")
sh("ip", "link", "add", "out", "type", "veth", "peer", "name", "far")
sh("ip", "link", "set", "far", "up")
sh("ip", "address", "add", "10.9.0.1/24", "dev", "out")
sh("ip", "link", "set", "out", "up", "arp", "off")
sh("nft", "add", "table", "inet", "wallcloud")
for hook in ("input", "output"):
    sh("nft", "add", "chain", "inet", "wallcloud", hook, "{ type filter hook %s priority 0; policy accept; }" % hook)
server = socket.create_server(("127.0.0.1", 8080))
for chain, rule in rules:
    sh("nft", "add", "rule", "inet", "wallcloud", chain, *rule.split())
program.listen(9)
shots, marks = [], []
for number, (uid, address, protocol, port) in enumerate(told, 1):
    shots.append(["as", 9 << 24 | number, packets.HELD_BACK[number], uid, 0, address, protocol, port])
last = 9 << 24 | len(told) + 1
program.open_wall([["output", "icmp id 22000 accept"], ["input", "icmp id 22000 accept"]])
shots.append(["as", last, packets.LET_THROUGH[0], 0, 0, "127.0.0.1", packets.ICMP, 0])
errors = program.send(shots, 0)
late = program.wait([[last, "probe", "in"]], [], 10.0)
heard = program.heard()
program.deaf()
print(json.dumps([errors, late, heard["lost"], [r for r in heard["records"] if r[0] != last]]))
"""
TCP, UDP, ICMP = 6, 17, 1
HERE, AWAY = "127.0.0.1", "10.9.0.7"


def tried(*shots: tuple[int, str, int, int], rules: tuple[tuple[str, str], ...] = ()) -> tuple[list[str], Any]:
    """The error of each (uid, address, protocol, port), and what was heard: {number: {(kind, ear)}}."""
    done = subprocess.run(
        ("unshare", "--net", sys.executable, "-c", PROGRAM, str(SOURCE)),
        input=json.dumps([rules, shots]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    errors, late, lost, records = json.loads(done.stdout)
    assert late == [[], []] and lost == 0
    heard: dict[int, set[tuple[str, str]]] = {number: set() for number in range(1, len(shots) + 1)}
    for number, kind, ear, _ in records:
        heard[number & 0xFFFFFF].add((kind, ear))
    return errors[:-1], heard


def test_what_passes_is_heard_everywhere() -> None:
    errors, heard = tried(
        (0, HERE, TCP, 8080), (0, HERE, TCP, 9), (0, HERE, UDP, 9), (0, HERE, ICMP, 0), (0, AWAY, TCP, 9)
    )
    assert errors == [""] * 5
    through = {("probe", "out lo"), ("probe", "in lo"), ("probe", "inner")}
    for number, answer in ((1, "syn-ack"), (2, "rst"), (3, "unreachable"), (4, "reply")):
        assert through <= heard[number] and (answer, "out lo") in heard[number], heard[number]
    assert heard[5] == {("probe", "out out"), ("probe", "in far")}


def test_what_the_input_chain_drops_is_heard_on_the_wire_alone() -> None:
    _, heard = tried((0, HERE, TCP, 8080), (0, HERE, UDP, 9), (0, HERE, ICMP, 0), rules=(("input", "drop"),))
    assert all(each == {("probe", "out lo"), ("probe", "in lo")} for each in heard.values()), heard


def test_the_output_chain_knows_the_account() -> None:
    rules = (("output", "meta skuid 614 accept"), ("output", "drop"))
    errors, heard = tried((614, HERE, TCP, 8080), (615, HERE, TCP, 8080), (0, AWAY, UDP, 9), rules=rules)
    assert errors == ["", "EPERM", "EPERM"]
    assert ("probe", "inner") in heard[1] and heard[2] == heard[3] == set()


def test_no_route_is_told() -> None:
    errors, heard = tried((0, "192.0.2.1", TCP, 9))
    assert errors == ["ENETUNREACH"] and heard[1] == set()
