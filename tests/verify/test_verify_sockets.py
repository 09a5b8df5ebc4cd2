"""What may hear on nodes, and how what the kernel says is judged."""

from pathlib import Path
from typing import Any

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, designed

from wallcloud.verify.asking import each_node
from wallcloud.verify.expectation import Seen
from wallcloud.verify.hands import Trouble
from wallcloud.verify.sockets.far import listening
from wallcloud.verify.sockets.judging import NONE, judge
from wallcloud.verify.sockets.wanted import Wanted, clients, wanted

FOLDER = Path(__file__).parent / "golden"
NODE_SPACE, QDHCP = "4026531840", "4026532999"
SPACES = {NODE_SPACE: "", QDHCP: "qdhcp-1"}
Row = dict[str, Any]


def row(
    kind: str, at: str, account: str, *, unit: str = "x.service", space: str = NODE_SPACE, by: str = "", to: str = ""
) -> Row:
    holder = {"pid": 4711, "account": account, "name": "program", "unit": unit}
    return {"kind": kind, "at": at, "to": to, "space": space, "inode": "1", "by": by, "holders": [holder]}


def as_declared(each: Wanted) -> Row:
    """A socket that is what is wanted."""
    at = each.at.replace("*:", "192.0.2.1:").replace("*", "1")
    space = QDHCP if each.space == "qdhcp-*" else NODE_SPACE
    unit = each.units.replace("*", "1") or "x.service"
    return row(each.kind, at, each.holder, unit=unit, space=space, by=each.holder if each.kind != "unix" else "")


def heard(node: str, *changes: Row, without: str = "", flavour: str = "article") -> dict[str, Any]:
    """What a node says that is as declared, but for these."""
    rows = [as_declared(each) for each in wanted(designed(flavour, ovs_kernel=False), node) if each.must]
    return {"spaces": SPACES, "sockets": [*(each for each in rows if each["at"] != without), *changes]}


def seen(node: str, told: dict[str, Any], flavour: str = "article") -> list[Seen]:
    design = designed(flavour, ovs_kernel=False)
    return list(judge(node, told, wanted(design, node), clients(design, node)))


def failed(node: str, *changes: Row, without: str = "") -> dict[str, str]:
    return {
        each.probe.id: each.outcome for each in seen(node, heard(node, *changes, without=without)) if not each.holds
    }


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_is_wanted(flavour: str) -> None:
    design = designed(flavour, ovs_kernel=False)
    lines = [
        f"{node:<9} {each.kind:<7} {each.space + ' ' if each.space else ''}{each.at:<60} {each.holder:<24} "
        f"{'' if each.must else 'may be: '}{each.why}"
        for node in design.site.nodes
        for each in wanted(design, node)
    ]
    golden(FOLDER / f"sockets-{flavour}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_a_node_as_declared_holds(flavour: str) -> None:
    for node in designed(flavour).site.nodes:
        every = seen(node, heard(node, flavour=flavour), flavour)
        assert [each.probe.id for each in every if not each.holds] == []
        assert len({each.probe.id for each in every}) == len(every) > 20
        assert any(each.probe.negative for each in every) and all(
            each.probe.why and each.probe.repeat for each in every
        )


@pytest.mark.parametrize("leg", ["qr-33570c2b-c8", "qg-77570c2b-01"])
def test_a_router_may_tell_its_neighbours_of_its_address(leg: str) -> None:
    unit = "wallcloud-neutron-privsep.service"
    arping = {**row("packet", leg, "root", unit=unit, space="4026533000"), "by": "root"}
    told = heard("network", arping)
    told["spaces"] = {**SPACES, "4026533000": "qrouter-1c947fda"}
    assert not [each.probe.id for each in seen("network", told) if not each.holds and leg in each.probe.id]
    told["spaces"] = {**SPACES, "4026533000": "qdhcp-1c947fda"}
    assert [each.probe.id for each in seen("network", told) if not each.holds and leg in each.probe.id]


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_patterns_have_no_brackets_but_an_address_s(flavour: str) -> None:
    """They would be taken literally: `q[gr]-*` allowed nothing."""
    for node in designed(flavour, ovs_kernel=False).site.nodes:
        for each in wanted(designed(flavour, ovs_kernel=False), node):
            assert "[" not in each.at or each.kind in ("tcp", "udp"), each


@pytest.mark.parametrize(
    ("change", "id_", "outcome"),
    [
        (row("tcp", "0.0.0.0:9999", "root", by="root"), "tcp/0.0.0.0:9999", "bound to every address"),
        (row("tcp", "198.18.10.11:9999", "root", by="root"), "tcp/198.18.10.11:9999", "open"),
        (row("tcp", "127.0.0.1:80", "root", space=QDHCP), "qdhcp-1/tcp/127.0.0.1:80", "open"),
        (row("udp", "198.18.10.11:514", "glance"), "udp/198.18.10.11:514", "open"),
        (row("raw", "1", "nova-api"), "raw/1", "open"),
        (row("packet", "mgmt0", "root"), "packet/mgmt0", "open"),
        (row("unix", "@evil", "root"), "unix/@evil", "open"),
        (row("unix", "/run/evil.sock", "root"), "unix//run/evil.sock", "open"),
        (
            row("udp", "198.18.10.11:40000", "glance", to="198.18.1.1:53"),
            "udp/198.18.10.11:40000→198.18.1.1:53",
            "asking",
        ),
    ],
)
def test_what_nobody_declares_fails_alone(change: Row, id_: str, outcome: str) -> None:
    assert failed("control", change) == {f"sockets/control/{id_}": outcome}


def test_a_client_of_a_declared_flow_is_none() -> None:
    assert failed("control", row("udp", "198.18.10.11:40000", "_chrony", to="198.18.10.1:123")) == {}


def test_a_listener_elsewhere_fails_as_itself() -> None:
    moved = row("tcp", "0.0.0.0:3306", "mysql", by="mysql")
    assert failed("control", moved, without="198.18.10.11:3306") == {
        "sockets/control/tcp/198.18.10.11:3306": "bound to 0.0.0.0:3306"
    }
    assert failed("control", without="198.18.10.11:3306") == {
        "sockets/control/tcp/198.18.10.11:3306": "nothing listens"
    }


def test_another_account_at_a_declared_place_fails() -> None:
    stolen = row("tcp", "198.18.10.11:3306", "glance", by="glance")
    assert failed("control", stolen, without="198.18.10.11:3306") == {
        "sockets/control/tcp/198.18.10.11:3306": "held by glance; made by glance"
    }


def test_sshd_may_be_everywhere_and_others_not() -> None:
    everywhere = row("tcp", "[::]:22", "root", by="root")
    assert failed("control", everywhere, without="198.18.10.11:22") == {}


def test_a_program_of_another_unit_is_not_it() -> None:
    rogue = row("udp", "0.0.0.0:67", "nobody", unit="session-1.scope", space=QDHCP, by="root")
    told = heard("network", rogue)
    assert {each.probe.id: each.outcome for each in seen("network", told) if not each.holds} == {
        "sockets/network/qdhcp-1/udp/0.0.0.0:67": "held by nobody in session-1.scope"
    }


def test_each_namespace_and_kind_without_strays_is_an_expectation() -> None:
    every = {each.probe.id: each for each in seen("control", heard("control"))}
    for space in ("", "qdhcp-1/"):
        for kind in ("tcp", "udp", "raw", "packet", "unix"):
            assert every[f"sockets/control/{space}{kind}/undeclared"].outcome == NONE


def test_a_node_that_does_not_answer_is_one_failure() -> None:
    def act(node: str) -> list[Seen]:
        if node == "b":
            raise Trouble("no route", output=("it is down",))
        return seen("control", heard("control"))

    every = {each.probe.id: each for each in each_node("sockets", ("a", "b"), act)}
    assert [(id_, each.detail) for id_, each in every.items() if not each.holds] == [
        ("sockets/b/asked", "no route | it is down")
    ]
    assert every["sockets/a/asked"].holds and len(every) > 30


def test_addresses_of_the_kernel() -> None:
    assert listening._address("0100007F:1F90") == ("127.0.0.1", 8080)
    assert listening._address("B80D0120000000000000000001000000:0050") == ("[2001:db8::1]", 80)
