"""On a real Open vSwitch: bridges and rules are made, and a hand's change of any property is seen and mended."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.node import world as basics
from tests.node.machine import Machine, machine
from tests.node.ovs import world

from wallcloud.node.resources import ExclusiveOvsBridges, OvsBridge, OvsFlows
from wallcloud.node.spec import Spec

pytestmark = [pytest.mark.root, pytest.mark.timeout(180)]

FLOW = "priority=200,udp,actions=NORMAL"
TABLE: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("ovs-bridge", "br-overlay", "datapath"): ("ovs-vsctl --no-wait set Bridge br-overlay datapath_type=system",),
    ("ovs-bridge", "br-overlay", "fail_mode"): (
        "ovs-vsctl set Bridge br-overlay fail_mode=standalone",
        "ovs-vsctl clear Bridge br-overlay fail_mode",
    ),
    ("ovs-bridge", "br-overlay", "ports"): (
        "ovs-vsctl del-port card0",
        "ovs-vsctl add-port br-overlay card2",
        "ovs-vsctl del-port card0 -- add-port br-flat card0",
        "ovs-vsctl set Port card0 tag=7",
        "ovs-vsctl del-port card0 -- add-bond br-overlay card0 card0 card2",
        "ovs-vsctl add-port br-overlay phy-hand -- set Interface phy-hand type=internal",
        "ip link set card0 down; ovs-vsctl del-br br-overlay -- add-br br-overlay -- set Bridge br-overlay "
        "datapath_type=netdev",
    ),
    ("ovs-bridge", "br-overlay", "mtu"): ("ovs-vsctl set Interface br-overlay mtu_request=1300",),
    ("ovs-bridge", "br-overlay", "controllers"): ("ovs-vsctl set-controller br-overlay tcp:127.0.0.1:6653",),
    ("ovs-bridge", "br-overlay", "other_config"): (
        "ovs-vsctl set Bridge br-overlay other_config:hwaddr=02:00:00:00:00:07",
        "ovs-vsctl remove Bridge br-overlay other_config hwaddr",
    ),
    ("exclusive-ovs-bridges", "bridges", "strangers"): ("ovs-vsctl add-br br-hand -- add-br br-other",),
    ("ovs-flows", "rules of br-overlay", "rules"): (
        f"ovs-ofctl add-flow br-overlay {FLOW}",
        "ovs-ofctl del-flows br-overlay",
        "ovs-ofctl mod-flows br-overlay udp,in_port=1,actions=NORMAL",
        "ovs-ofctl -O OpenFlow14 add-flow br-overlay table=3,priority=0,actions=drop",
        "systemctl restart wallcloud-ovs-vswitchd",
    ),
}
ACTS = [(*key, act) for key, acts in TABLE.items() for act in acts]
SEEN: dict[str, set[str]] = defaultdict(set)


@pytest.fixture(scope="module")
def spec() -> Spec:
    return world.spec()


@pytest.fixture(scope="module")
def here(spec: Spec) -> Iterator[Machine]:
    with machine("ovs") as made:
        basics.deployer(made)
        for card in world.CARDS:
            made.run(f"ip link add {card} type veth peer name far-{card} && ip link set {card} up")
        yield made


def note(machine: Machine, spec: Spec) -> None:
    for event in machine.plan(spec).of("done"):
        SEEN[event["resource"]["kind"]] |= {change["property"] for change in event["changes"]}


def test_all_is_made_from_nothing(here: Machine, spec: Spec) -> None:
    note(here, spec)
    here.converged(spec)
    assert here.run("ovs-vsctl list-ports br-overlay; ovs-vsctl list-ports br-flat").split() == ["card0", "card1"]
    assert "mtu 1450" in here.run("ip link show br-overlay")


@pytest.mark.parametrize(("kind", "name", "prop", "act"), ACTS)
def test_a_hand_is_seen_and_mended(here: Machine, spec: Spec, kind: str, name: str, prop: str, act: str) -> None:
    here.run(act)
    plan = here.plan(spec)
    assert plan.outcome == "ok", plan.failure()
    changes = [
        change["property"]
        for event in plan.of("done")
        if (event["resource"]["kind"], event["resource"]["name"]) == (kind, name)
        for change in event["changes"]
    ]
    assert prop in changes, plan.changed()
    SEEN[kind] |= set(changes)
    here.converged(spec)


def test_what_neutron_plugs_and_makes_stays(here: Machine, spec: Spec) -> None:
    here.run("ovs-vsctl add-br br-int -- add-port br-flat phy-br-flat -- set Interface phy-br-flat type=internal")
    here.run("ovs-vsctl set-controller br-flat tcp:127.0.0.1:6633")
    assert here.plan(spec).changed() == {}


def test_a_card_that_is_not_there_is_told(here: Machine, spec: Spec) -> None:
    wrong = tuple(
        replace(each, cards=("nocard",)) if isinstance(each, OvsBridge) and each.bridge == "br-flat" else each
        for each in spec.resources
    )
    talk = here.apply(replace(spec, resources=wrong))
    (failed,) = talk.of("failed")
    assert failed["resource"]["name"] == "br-flat"
    assert "nocard" in str(failed["output"])
    assert "could not open network device" in str(failed["output"]), failed
    here.converged(spec)


def test_without_a_server_all_is_absent_and_an_apply_starts_it(here: Machine, spec: Spec) -> None:
    here.run("systemctl stop wallcloud-ovs-vswitchd wallcloud-ovsdb")
    plan = here.plan(spec)
    assert plan.outcome == "ok", plan.failure()
    assert {"br-overlay", "br-flat", "rules of br-overlay"} <= set(plan.changed())
    here.converged(spec)


def test_a_plan_is_quick(here: Machine, spec: Spec) -> None:
    """One question for all bridges, one for the rules."""
    seconds = [event["seconds"] for event in here.plan(spec).of("done") if "ovs" in event["resource"]["kind"]]
    assert sum(seconds) < 1.5, seconds  # 0.05 s on a machine with nothing else to do


def test_no_property_is_without_a_disturbance() -> None:
    if not SEEN:
        pytest.skip("only a part of this file ran")
    kinds = {each.kind for each in (OvsBridge, ExclusiveOvsBridges, OvsFlows)}
    assert {(kind, prop) for kind in kinds for prop in SEEN[kind]} == {(kind, prop) for kind, _, prop in TABLE}
