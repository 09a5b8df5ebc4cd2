"""Reachability: what is expected, beside another reading of the rulesets; packets; and what is judged of them."""

import socket
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.design import walls
from tests.design.goldens import golden
from tests.design.walls import Packet
from tests.design.world import EXAMPLES, designed

from wallcloud.design import firewall
from wallcloud.design.compile import Design
from wallcloud.design.flows import Transport
from wallcloud.node.resources import Ruleset
from wallcloud.verify.reach import telling, unwalled
from wallcloud.verify.reach.far import packets
from wallcloud.verify.reach.judging import Note, outcome
from wallcloud.verify.reach.matrix import DELIVERED, DROPPED, KEPT, Found, Place, Shot, interfaces, matrix
from wallcloud.verify.reach.ways import port_of

FOLDER = Path(__file__).parent / "golden"
OPEN = {"control": (("tcp", 4369), ("tcp", 25672), ("udp", 323))}


def found(design: Design) -> Found:
    addresses = [str(address) for _, address in design.plan.items()]
    router = Place("router", dict.fromkeys(addresses, "198.18.10.1"), ((1000, "198.18.10.11"), (1001, "198.18.10.14")))
    places = (
        Place("office", dict.fromkeys(addresses, "198.18.2.10")),
        Place("admin", dict.fromkeys(addresses, "198.18.1.10")),
        router,
    )
    return Found(OPEN, places, 7)


def shots(flavour: str = "article") -> tuple[Shot, ...]:
    return matrix(designed(flavour), found(designed(flavour)))


def text_of(design: Design, node: str) -> str:
    (ruleset,) = (each for each in design.specs[node].resources if isinstance(each, Ruleset))
    return ruleset.text


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_shall_be_delivered(flavour: str) -> None:
    every = shots(flavour)
    lines = [f"{shot.id}\n" for shot in every if not shot.negative]
    sums = Counter(((shot.row.partition(" as ")[2] and shot.how) or "outside", shot.expected) for shot in every)
    counts = [f"{how}, {expected}: {count}\n" for (how, expected), count in sorted(sums.items())]
    golden(FOLDER / f"reach-{flavour}.txt", "".join((*lines, "\n", *counts)))


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_each_tuple_once_and_each_flow_tried(flavour: str) -> None:
    design, every = designed(flavour), shots(flavour)
    assert len({shot.id for shot in every}) == len(every)
    delivered = {
        (shot.sender, shot.uid, shot.address, (shot.protocol, shot.port)) for shot in every if not shot.negative
    }
    for flow in design.flows:
        if flow.transport is Transport.UNIX or not flow.client.node or not flow.client.account:
            continue
        if flow.server.node:
            tried = (flow.client.node, flow.client.account.uid, flow.server.prefixes[0], port_of(flow))
            assert tried in delivered, flow


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_the_rulesets_say_the_same(flavour: str) -> None:
    """Read by a reader of rulesets that knows no flows."""
    design = designed(flavour)
    rules = {node: walls.read(text_of(design, node)) for node in design.site.nodes}
    for shot in shots(flavour):
        accepts = shot.expected == DELIVERED
        if shot.how == "frame":
            device = firewall.nic(design.site, shot.lands, shot.network)
            packet = Packet(device, shot.source, shot.address, shot.protocol, shot.port or None)
            assert any(rule.accepts(packet) for rule in rules[shot.lands].input) == accepts, shot
        elif shot.sender in rules:
            devices = [firewall.nic(design.site, shot.sender, shot.network)] if _stands_on(design, shot) else ["lo"]
            devices = devices if shot.lands else [f"{name}0" for name in ("mgmt", "pub")]
            packets_ = [Packet(each, "", shot.address, shot.protocol, shot.port or None, shot.uid) for each in devices]
            assert any(rule.accepts(each) for each in packets_ for rule in rules[shot.sender].output) == accepts, shot


def _stands_on(design: Design, shot: Shot) -> bool:
    return bool(shot.network) and design.plan.address(shot.sender, shot.network) is not None


def test_an_admin_is_not_let_in_where_the_answer_would_not_go_back() -> None:
    by_id = {shot.id: shot for shot in shots()}
    assert by_id["reach/office/api:public/tcp-443"].expected == DELIVERED
    assert by_id["reach/admin/api:public/tcp-443"].expected == DROPPED
    assert by_id["reach/admin/control:management/tcp-443"].expected == DELIVERED


def test_the_peers_of_a_node_do_not_include_itself() -> None:
    by_id = {shot.id: shot for shot in shots()}
    assert by_id["reach/compute1:root/compute2:overlay/udp-4789"].expected == DELIVERED
    assert by_id["reach/compute1:root/compute1:overlay/udp-4789"].expected == KEPT
    assert by_id["reach/compute1:nova-compute/compute2:overlay/udp-4789"].expected == KEPT


@given(st.integers(1, 0xFFFFFF), st.sampled_from([packets.TCP, packets.UDP, packets.ICMP]), st.integers(1, 65535))
def test_a_probe_is_recognised_and_no_other_run_s(number: int, protocol: int, port: int) -> None:
    token = (9 << 24) | number
    packet = packets.packet(token, packets.HELD_BACK[3], "10.0.0.1", "10.0.0.2", protocol, port)
    assert packets.recognised(packet, 9) == (token, "probe")
    assert packets.recognised(packet, 8) is None
    assert packets.checksum(packet[:20]) == 0


def _ip(protocol: int, load: bytes) -> bytes:
    return (
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(load), 0, 0, 64, protocol, 0, b"\x0a\0\0\2", b"\x0a\0\0\1")
        + load
    )


def test_answers_are_recognised() -> None:
    token, here = (9 << 24) | 77, packets.LET_THROUGH[0]
    for flags, kind in ((0x12, "syn-ack"), (0x14, "rst")):
        head = struct.pack("!HHIIBBHHH", 443, here, 5, token + 1, 5 << 4, flags, 0, 0, 0)
        assert packets.recognised(_ip(packets.TCP, head), 9) == (token, kind)
    asked = packets.packet(token, here, "10.0.0.1", "10.0.0.2", packets.UDP, 123)
    ntp = struct.pack("!HHHH", 123, here, 56, 0) + bytes(24) + asked[-8:] + bytes(16)
    assert packets.recognised(_ip(packets.UDP, ntp), 9) == (token, "reply")
    echo = packets.packet(token, here, "10.0.0.1", "10.0.0.2", packets.ICMP, 0)
    assert packets.recognised(_ip(packets.ICMP, b"\0" + echo[21:]), 9) == (token, "reply")
    for protocol in (packets.TCP, packets.UDP):
        quoted = packets.packet(token, here, "10.0.0.1", "10.0.0.2", protocol, 99)
        assert packets.recognised(_ip(packets.ICMP, b"\3\3" + bytes(6) + quoted), 9) == (token, "unreachable")
    assert packets.recognised(_ip(packets.ICMP, b"\3\3" + bytes(6) + b"\x45"), 9) is None


INTERFACES = {node: interfaces(designed("article", ovs_kernel=False), node) for node in designed().site.nodes}
PROBE = "probe"


def one(identity: str) -> Shot:
    return next(shot for shot in shots() if shot.id == identity)


ACCOUNT = "reach/compute1:nova-compute/control:management/tcp-3306"
FRAME = "reach/compute1:hostile/control:management/tcp-3306"
FLOW = "reach/compute1:nova-compute/control:management/tcp-443"
LOCAL = "reach/control:glance/control:management/tcp-443"
TIME = "reach/control:_chrony/time-server-198.18.10.1/udp-123"
OUT = Note("compute1", PROBE, "out", "mgmt0")
IN = Note("control", PROBE, "in", "mgmt0")
INNER = Note("control", PROBE, "inner", "")
STRAY = Note("compute2", PROBE, "in", "pra0")


@pytest.mark.parametrize(
    ("identity", "notes", "met"),
    [
        (ACCOUNT, (), KEPT),
        (ACCOUNT, (OUT,), "left"),
        (ACCOUNT, (OUT, IN), "left, and dropped there"),
        (ACCOUNT, (OUT, IN, INNER, Note("control", "rst", "out", "mgmt0")), "let in, nobody listens"),
        (ACCOUNT, (OUT, IN, INNER, Note("control", "syn-ack", "out", "mgmt0")), DELIVERED),
        (ACCOUNT, (Note("compute1", PROBE, "out", "pra0"),), "left"),
        (FRAME, (), "never arrived"),
        (FRAME, (OUT,), "never arrived"),
        (FRAME, (OUT, IN), DROPPED),
        (FRAME, (OUT, Note("control", PROBE, "in", "lo")), "heard on another wire"),
        (FRAME, (OUT, IN, INNER), "let in, unanswered"),
        (FRAME, (OUT, IN, STRAY), "heard on another wire"),
        (FLOW, (OUT, IN, INNER, Note("control", "syn-ack", "out", "mgmt0")), DELIVERED),
        (FLOW, (OUT, IN), "left, and dropped there"),
        (FLOW, (), KEPT),
        (LOCAL, (), KEPT),
        (
            LOCAL,
            (
                Note("control", PROBE, "out", "lo"),
                Note("control", PROBE, "in", "lo"),
                INNER,
                Note("control", "syn-ack", "out", "lo"),
            ),
            DELIVERED,
        ),
        (TIME, (Note("control", PROBE, "out", "mgmt0"), Note("control", "reply", "in", "mgmt0")), DELIVERED),
        (TIME, (Note("control", PROBE, "out", "mgmt0"),), "left, unanswered"),
        ("reach/office/api:management/tcp-22", (Note("api", PROBE, "in", "mgmt0"),), DROPPED),
        ("reach/office/api:management/tcp-22", (Note("api", PROBE, "in", "pub0"),), "heard on another wire"),
        ("reach/office/compute1:overlay/tcp-22", (Note("control", PROBE, "in", "mgmt0"),), DROPPED),
        ("reach/office/compute1:overlay/tcp-22", (), "never arrived"),
        ("reach/router>compute1:management/compute2:overlay/icmp", (Note("compute1", PROBE, "in", "mgmt0"),), DROPPED),
        (
            "reach/router>compute1:management/compute2:overlay/icmp",
            (Note("compute1", PROBE, "in", "mgmt0"), Note("compute1", PROBE, "out", "br-overlay")),
            "heard on another wire",
        ),
        ("reach/compute1:root/compute2:overlay/udp-4789", (Note("compute2", PROBE, "in", "ovl0"),), DELIVERED),
    ],
)
def test_judging(identity: str, notes: tuple[Note, ...], met: str) -> None:
    assert outcome(one(identity), "", notes, INTERFACES)[0] == met


def test_every_negative_can_fail() -> None:
    """Whatever is delivered to the node that a negative aims at is not what is expected of it."""
    for shot in shots():
        if shot.negative and shot.lands:
            at = next(iter(INTERFACES[shot.lands].get(shot.network, ("lo",))))
            through = (Note(shot.lands, PROBE, "in", at), Note(shot.lands, PROBE, "inner", ""))
            assert outcome(shot, "", through, INTERFACES)[0] != shot.expected, shot


def test_the_rule_that_opens_a_wall_lets_one_packet_through() -> None:
    assert unwalled.rule(one(ACCOUNT), 23001) == (
        "output",
        "meta skuid 645 ip daddr 198.18.10.11 tcp sport 23001 tcp dport 3306 accept",
    )
    assert unwalled.rule(one(FRAME), 23001) == (
        "input",
        "ip saddr 198.18.10.14 ip daddr 198.18.10.11 tcp sport 23001 tcp dport 3306 accept",
    )
    assert unwalled.rule(replace(one(FRAME), protocol="icmp", port=0), 23001)[1].endswith("icmp id 23001 accept")
    opened = unwalled.seen(designed(), one(FRAME), (IN,))
    assert not opened.holds and unwalled.seen(designed(), one(FRAME), (IN, INNER)).holds


def test_commands_that_repeat() -> None:
    design = designed()
    told = [telling.probe(design, one(each)) for each in (ACCOUNT, FRAME, "reach/office/api:management/tcp-22", TIME)]
    golden(FOLDER / "reach-repeat.txt", "".join(f"{each.id}\n    {each.why}\n    {each.repeat}\n" for each in told))


def test_numbers_of_protocols() -> None:
    assert (packets.TCP, packets.UDP, packets.ICMP) == (socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMP)
