"""What VMs reach of the nodes: what is expected, and what is judged of what was heard."""

from collections import Counter
from pathlib import Path

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, designed
from tests.verify.played import hands, world

from wallcloud.verify.hands import Trouble
from wallcloud.verify.reach.judging import Note
from wallcloud.verify.tenants.checks_nodes import checks, met
from wallcloud.verify.tenants.reaching import Aim, Reached, aims, senders
from wallcloud.verify.tenants.scenario import scenario

FOLDER = Path(__file__).parent / "golden"
WIRES = {"control": frozenset({"mgmt0"}), "api": frozenset({"mgmt0", "pub0"}), "compute1": frozenset({"mgmt0"})}
ARRIVED = Note("control", "probe", "in", "mgmt0")
INNER = Note("control", "probe", "inner", "")


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_is_expected(flavour: str) -> None:
    design = designed(flavour)
    found = list(checks(design, world(design=design), Reached))
    assert len({each.id for each in found}) == len(found) == len(aims(design, scenario(design)))
    sums = Counter((each.source, each.target, each.expected) for each in found)
    lines = [f"{source} → {target}: {expected} {count}\n" for (source, target, expected), count in sums.items()]
    golden(FOLDER / f"nodes-{flavour}.txt", "".join([*(f"{it.id}\n" for it in found if not it.negative), *lines]))


def test_a_guest_of_each_sort() -> None:
    plan = scenario(designed())
    assert [(guest.flat, guest.floating) for guest in senders(plan)] == [
        ("", True),
        ("", False),
        ("flat-a", False),
        ("flat-b", False),
    ]


def aim(node: str = "control", network: str = "management", port: tuple[str, int] = ("tcp", 3306)) -> Aim:
    every = aims(designed(), scenario(designed()))
    return next(each for each in every if (each.node, each.network, each.port) == (node, network, port))


@pytest.mark.parametrize(
    ("at", "notes", "outcome"),
    [
        (aim(), (), "never arrived"),
        (aim(), (Note("compute1", "probe", "in", "tap1234"),), "never arrived"),
        (aim(), (Note("compute1", "probe", "in", "mgmt0"),), "never arrived"),
        (aim(), (ARRIVED,), "dropped"),
        (aim(), (ARRIVED, INNER, Note("control", "rst", "out", "mgmt0")), "let in, nobody listens"),
        (aim(), (ARRIVED, INNER, Note("control", "syn-ack", "out", "mgmt0")), "delivered"),
        (aim(port=("udp", 123)), (ARRIVED, INNER), "delivered"),
        (aim("compute1", "overlay"), (ARRIVED,), "dropped"),
        (aim("compute1", "overlay"), (), "never arrived"),
    ],
)
def test_judging(at: Aim, notes: tuple[Note, ...], outcome: str) -> None:
    reached = Reached({1: notes}, {at: 1})
    assert met(at, WIRES, lambda: reached) == outcome


def test_what_was_never_sent_is_no_proof() -> None:
    at = aim()
    with pytest.raises(Trouble, match="no router"):
        met(at, WIRES, lambda: Reached({}, {at: 1}, {at.guest.name: "no router"}))


def test_a_guest_without_a_floating_ip_is_asked_through_its_neighbour() -> None:
    asked: list[str] = []

    def answers(address: str, lines: list[str], wait: float) -> list[dict[str, object]]:
        asked.extend(lines)
        return [{"ok": True} for _ in lines]

    here = world(hands(ask_all=answers))
    first, second = here.scenario.tenants[0].private
    here.ask_all(first, ["about"])
    here.ask_all(second, ["about"])
    assert asked == ["about", f"ask {second.address} about"]
