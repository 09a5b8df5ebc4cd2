"""The part `encryption` without a lab: what is expected of a site, the forms of canaries, streams, and the judging."""

import base64
import json
import random
import ssl
import struct
from typing import Any
from urllib.parse import quote

import pytest
from tests.design.world import EXAMPLES, designed
from tests.verify.certificates import another_ca

from wallcloud.verify.encryption import handshakes, remains, wires
from wallcloud.verify.encryption.canaries import word
from wallcloud.verify.encryption.far import record
from wallcloud.verify.encryption.far.forms import Search
from wallcloud.verify.encryption.far.streams import joined, records, segment
from wallcloud.verify.encryption.rogue import Rogue, Vouching
from wallcloud.verify.encryption.talks import PROTOCOLS, is_tls, talks
from wallcloud.verify.expectation import Probe, Seen

SECRET = "p+/~?=x>9_w-7Q"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(3))
def test_every_form_is_found_whatever_stands_around_it(before: int, after: int) -> None:
    whole = b"\xff" * before + SECRET.encode() + b"\xfe" * after
    search = Search({"it": SECRET})
    text = whole.decode("latin-1")
    said = {
        "raw": whole,
        "base64": base64.b64encode(whole),
        "base64 for URLs": base64.urlsafe_b64encode(whole),
        "url": quote(SECRET, safe="").encode(),
        "url in small letters": quote(SECRET, safe="")
        .replace("%2B", "%2b")
        .replace("%2F", "%2f")
        .replace("%3F", "%3f")
        .replace("%3D", "%3d")
        .replace("%3E", "%3e")
        .replace("%7E", "%7e")
        .encode(),
        "url of every byte": "".join(f"%{byte:02X}" for byte in whole).encode(),
        "hex": whole.hex().encode(),
        "hex in large letters": whole.hex().upper().encode(),
        "utf-16": text.encode("utf-16-le"),
        "utf-16, the other way": text.encode("utf-16-be"),
    }
    for form, data in said.items():
        assert {(name, kind) for name, kind in search.found(data) if form.startswith(kind)} == {
            ("it", form.partition(" ")[0].rstrip(","))
        }, form
    assert not search.found(whole.replace(b"9", b"8"))


def test_a_word_is_written_otherwise_in_a_url_and_in_both_base64_alphabets() -> None:
    made = word("rpc")
    assert quote(made, safe="") != made
    kinds = set(Search({"it": made}).missing([], "it"))
    assert kinds == {"raw", "base64", "url", "hex", "utf-16"}


def test_a_form_that_was_not_heard_is_named() -> None:
    search = Search({"it": SECRET})
    heard = search.parts("it")
    assert search.missing(heard, "it") == []
    assert search.missing([part for part in heard if part != SECRET.encode().hex().encode()], "it") == ["hex"]


def tcp(number: int, body: bytes, port: int = 40000, *, within: str = "") -> bytes:
    """A frame, alone or within a VLAN or a VXLAN tunnel."""
    said = struct.pack(">HHIIBBHHH", port, 5671, number % (1 << 32), 0, 5 << 4, 0x18, 0, 0, 0) + body
    packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(said), 0, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2") + said
    frame = b"\xff" * 12 + b"\x08\x00" + packet
    if within == "vlan":
        return frame[:12] + b"\x81\x00\x00\x14" + frame[12:]
    if within == "vxlan":
        udp = struct.pack(">HHHH", 1, 4789, 16 + len(frame), 0) + b"\x08\0\0\0\0\0\1\0" + frame
        outer = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x0a\0\0\3", b"\x0a\0\0\4")
        return b"\xff" * 12 + b"\x08\x00" + outer + udp
    return frame


def runs(*frames: bytes) -> list[bytes]:
    return [run for _, each in joined(filter(None, map(segment, frames))) for run in each]


@pytest.mark.parametrize("within", ["", "vlan", "vxlan"])
@pytest.mark.parametrize("first", [7, (1 << 32) - 5])
def test_a_stream_is_put_together(within: str, first: int) -> None:
    text = bytes(range(100))
    cuts = [(0, 30), (30, 60), (20, 45), (60, 100), (30, 60)]
    frames = [tcp(first + begin, text[begin:end], within=within) for begin, end in cuts]
    random.Random(1).shuffle(frames)
    assert runs(*frames) == [text]


def test_a_gap_ends_a_run_and_streams_are_kept_apart() -> None:
    assert runs(tcp(0, b"ab"), tcp(5, b"cd")) == [b"ab", b"cd"]
    assert sorted(runs(tcp(0, b"ab"), tcp(2, b"cd", port=40001))) == [b"ab", b"cd"]
    assert segment(tcp(0, b"")) is None
    assert segment(b"\xff" * 12 + b"\x08\x06" + b"\0" * 46) is None


def test_what_is_shouted_is_heard_in_every_form() -> None:
    search = Search({"it": SECRET})
    frames = []
    for stream, part in enumerate(search.parts("it")):
        middle = len(part) // 2
        for number, body in ((1, part[:middle]), (1 + middle, part[middle:])):
            frames.append(record._frame(b"\x02" * 6, 1024 + stream, number, body))
    assert search.missing(runs(*frames), "it") == []
    assert not any(search.found(frame) for frame in frames), "no frame holds a form alone: it takes the stream"


def tls_bytes() -> bytes:
    """What a client says in a real handshake (its first flight), three times over, as records."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(back, there, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        near.do_handshake()
    return there.read() * 3


def test_records_are_told_from_what_is_none() -> None:
    whole = tls_bytes()
    assert records(whole)
    assert records(whole[40:]), "a recording may begin within a record"
    assert records(whole[:-40]), "and end within one"
    assert not records(b"GET / HTTP/1.1\r\nHost: cloud.example\r\n\r\n" * 5)
    assert not records(whole + b"AMQP\x00\x00\x09\x01")
    greeting = b"\x0a10.11.6-MariaDB\x00" + b"x" * 60
    packet = len(greeting).to_bytes(3, "little") + b"\0" + greeting
    assert record.is_tls(packet + whole)
    assert not record.is_tls(packet + b"\x07\0\0\x02\0\0\0\x02\0\0\0")
    assert record.is_tls(b"\x20\0\0\x01" + b"\0" * 32 + whole)
    assert not record.is_tls(b"\x20\0\0\x01" + b"\0" * 32 + b"nova-metadata")


def test_what_is_left_of_a_record_is_told_from_words() -> None:
    cipher = random.Random(2).randbytes(1000).replace(b"\x03", b"\x04")
    assert not records(cipher)
    assert record._are_tls([cipher, tls_bytes()])
    assert not record._are_tls([tls_bytes(), cipher]), "a recording begins but once"
    assert not record._are_tls([b'{"method": "port_update", "args": {}}' * 30, tls_bytes()])


# What is expected of a site.


def never(*_: Any) -> Any:
    return "certificate", "key"


def probes() -> list[Probe]:
    design = designed("article")
    ca = another_ca()
    rogue = Rogue(ca)
    return [
        probe
        for talk in talks(design)
        for probe in handshakes.probes(talk, ca, rogue, Vouching(never, never), "secret of {}".format, "ca.pem")
    ]


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_every_tls_flow_is_spoken_with(flavour: str) -> None:
    design = designed(flavour)
    found = list(talks(design))
    tls = {(flow.client.who, flow.client.node, flow.server.who, flow.port) for flow in design.flows if is_tls(flow)}
    assert {(talk.server, talk.port) for talk in found} == {(server, port) for _, _, server, port in tls}
    assert len(found) == len(tls)
    assert all(talk.protocol for talk in found), "a new TLS server needs a line in PROTOCOLS"
    assert {talk.server for talk in found} == set(PROTOCOLS) & set(design.placed)
    assert all(talk.own for talk in found if talk.mutual), "who must show a certificate has one"


def test_what_is_tried_of_the_bus() -> None:
    mine = [each for each in probes() if each.id.startswith("encryption/control:5671/nova-compute@compute1/")]
    assert {each.id.rpartition("/")[2]: each.expected for each in mine if "vhost" not in each.id} == {
        "own": "accepted",
        "names": "accepted",
        "untrusted": "not verified",
        "wrong-name": "not verified",
        "tls-1.1": "refused",
        "tls-1.2": "refused",
        "plaintext": "refused",
        "without": "refused",
        "other-ca": "refused",
        "self-signed": "refused",
        "expired": "refused",
        "stranger": "not authorised",
        "neighbour": "not authorised",
    }
    assert {each.what["vhost"] for each in mine if "/vhost-" in each.id} == {"neutron", "/"}
    (neighbour,) = [each for each in mine if each.id.endswith("/neighbour")]
    assert neighbour.what["borrow"] == [f"/etc/wallcloud/tls/neutron-ovs-agent.{end}" for end in ("pem", "key")]
    assert {(each.source, each.target) for each in mine} == {("compute1 as nova-compute", "control on management")}


def test_ids_are_distinct_and_nothing_that_is_shown_holds_a_secret() -> None:
    every = probes()
    assert len({each.id for each in every}) == len(every)
    assert all(each.negative == (not each.id.endswith(("/own", "/names"))) for each in every)
    shown = json.dumps([(each.id, each.why, each.repeat, each.source, each.target) for each in every])
    assert "secret of" not in shown
    assert "PRIVATE KEY" not in shown
    (login,) = [each for each in every if each.id == "encryption/control:3306/nova-metadata@network/own"]
    assert login.what["password"] == "secret of database-nova-metadata@network"


# Judging.

QUIET: dict[str, Any] = {"lost": 0, "frames": {"mgmt0": 5, "lo": 5, "tap1": 1}, "hits": [], "passed": []}


def silence(**changed: Any) -> dict[str, str]:
    design = designed("article")
    told = {node: {**QUIET, **(changed if node == "network" else {})} for node in design.site.nodes}
    return {
        seen.probe.id.removeprefix("encryption/wire/"): seen.outcome
        for seen in wires.silence(design, wires.wires(design), told, ("password", "sql"))
        if not seen.holds
    }


def test_silence_holds_and_a_word_in_the_clear_is_named_by_its_wire() -> None:
    assert silence() == {}
    clear = "tcp 198.18.10.13:40000 > 198.18.10.11:3306"
    assert silence(hits=[["mgmt0", "sql", "hex", clear]]) == {"management/sql": "in the clear"}
    assert silence(hits=[["tap1", "password", "raw", "no TCP"]]) == {"inside/password": "in the clear"}


def test_what_nova_metadata_tells_on_loopback_belongs_there_and_a_password_does_not() -> None:
    where = "tcp 127.0.0.1:8775 > 127.0.0.1:40000"
    assert silence(hits=[["lo", "sql", "raw", where]]) == {}
    assert silence(hits=[["lo", "password", "raw", where]]) == {"loopback/password": "in the clear"}
    assert silence(hits=[["lo", "sql", "raw", where.replace("8775", "8776")]]) == {"loopback/sql": "in the clear"}
    assert silence(hits=[["mgmt0", "sql", "raw", where]]) == {"management/sql": "in the clear"}


def test_a_recording_with_holes_proves_nothing() -> None:
    assert set(silence(lost=1).values()) == {"not all heard"}


def test_an_ear_that_heard_nothing_fails() -> None:
    design = designed("article")
    every = wires.wires(design)
    whole: dict[str, dict[str, Any]] = {
        node: {"lost": 0, "missing": {at: {"it": []} for _, at in _ends(every)}} for node in design.site.nodes
    }
    assert all(seen.holds for seen in wires.control(every, whole, ["it"]))
    whole["compute1"] = {"lost": 0, "missing": {**whole["compute1"]["missing"], "ovl0": {"it": ["hex", "url"]}}}
    failed = [seen for seen in wires.control(every, whole, ["it"]) if not seen.holds]
    assert [(seen.probe.id, seen.outcome) for seen in failed] == [
        ("encryption/hearing/overlay/compute1/it", "no hex, url")
    ]
    assert not any(seen.holds for seen in wires.control(every, {}, ["it"]))


def _ends(every: tuple[wires.Wire, ...]) -> list[tuple[str, str]]:
    return [end for wire in every for end in wire.ends]


def test_what_passed_must_be_tls() -> None:
    design = designed("article")
    row = ["mgmt0", "198.18.10.13", 40000, "198.18.10.11", 3306, 100, True]

    def database(rows: list[list[Any]]) -> str:
        told = {node: {**QUIET, "passed": rows} for node in design.site.nodes}
        return next(
            seen.outcome
            for seen in wires.passed(design, told)
            if seen.probe.id == "encryption/passed/control:3306/network"
        )

    assert database([]) == "nothing"
    assert database([["mgmt0", "198.18.10.14", *row[2:]]]) == "nothing", "another client's does not count"
    assert database([row]) == "TLS alone"
    assert database([row, [*row[:-1], False]]) == "not TLS"


@pytest.mark.parametrize(
    ("node", "canary", "where", "others", "outcome"),
    [
        ("control", "rpc", "/var/lib/wallcloud-mariadb/data/ibdata1", "", "nowhere"),
        ("control", "rpc", "/var/lib/wallcloud-mariadb/data/ibdata1", "others", "found"),
        ("control", "password", "/var/lib/wallcloud-mariadb/data/ibdata1", "", "found"),
        ("control", "token", "/var/lib/wallcloud-rabbitmq/mnesia/0.rdq", "", "nowhere"),
        ("control", "password", "/var/lib/wallcloud-rabbitmq/mnesia/0.rdq", "", "found"),
        ("control", "token", "/var/lib/wallcloud-rabbitmq-2/0.rdq", "", "found"),
        ("api", "token", "/var/lib/wallcloud-rabbitmq/mnesia/0.rdq", "", "found"),
        ("network", "rpc", "journal", "", "nowhere"),
        ("network", "rpc", "/var/log/journal/1/system.journal", "", "nowhere"),
        ("network", "token", "journal", "", "found"),
        ("compute1", "rpc", "journal", "", "found"),
        ("control", "sql", "cmdline of sh", "", "found"),
        ("control", "token", "environ of python3", "", "found"),
    ],
)
def test_where_canaries_may_stay(node: str, canary: str, where: str, others: str, outcome: str) -> None:
    found: dict[str, remains.Traces] = {each: [] for each in designed("article").site.nodes}
    found[node] = [[canary, "raw", where, others]]
    seen = [*remains.checks(designed("article"), found, [canary])]
    assert {each.outcome for each in seen if not each.holds} == ({outcome} - {"nowhere"})


def test_a_search_must_find_what_was_planted() -> None:
    traces = [["planted", "raw", where, ""] for where in ("/var/tmp/x", "journal", "cmdline of sh", "environ of sh")]
    assert all(seen.holds for seen in _planted(traces))
    assert [seen.probe.id for seen in _planted(traces[1:]) if not seen.holds] == ["encryption/search/control/files"]


def _planted(traces: remains.Traces) -> list[Seen]:
    design = designed("article")
    return [seen for seen in remains.planted(design, {"control": traces}) if seen.probe.place == "control"]


def test_a_node_that_does_not_answer_proves_nothing() -> None:
    design = designed("article")
    others = {node: QUIET for node in design.site.nodes if node != "compute2"}
    heard = [*wires.silence(design, wires.wires(design), others, ["sql"])]
    assert {seen.probe.target for seen in heard if not seen.holds} == {
        *("management", "overlay", "flat-a", "flat-b", wires.LOOPBACK)
    }
    left: dict[str, remains.Traces] = {node: [] for node in others}
    looked = [*remains.checks(design, left, ["sql"])]
    assert {(seen.probe.place, seen.outcome) for seen in looked if not seen.holds} == {("compute2", "not looked at")}
    assert "compute2" in {seen.probe.place for seen in remains.planted(design, left) if not seen.holds}
    assert all(not seen.holds for seen in wires.passed(design, {}))
