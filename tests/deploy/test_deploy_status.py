"""What of the nodes' answers counts as not well, and how nodes are asked."""

import json
import time
from dataclasses import asdict, replace

import pytest
from tests.deploy.far import Far
from tests.deploy.health import AWAY, NOW, asked, design_of, ill, well

from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.session import SessionLost
from wallcloud.deploy.status.asking import ask, question, understood
from wallcloud.deploy.status.judging import DAY, Problem, expected, problems
from wallcloud.design.compile import Design
from wallcloud.node.status.model import Agent, Answer, CertificateHealth, Disk, Life, Pool, Queue, Silence

AGENT = Agent("neutron-l3-agent", "network", True, True)

LATE = NOW + 3000 * DAY


@pytest.fixture
def design(far: Far) -> Design:
    return design_of(far.loaded)


@pytest.fixture
def answers(design: Design) -> dict[str, Answer]:
    return well(design)


def told(design: Design, answers: dict[str, Answer], *away: str) -> list[tuple[str, str, str]]:
    return [(each.node, each.component, each.what) for each in problems(design, asked(answers, *away), NOW, LATE)]


def test_all_is_well(design: Design, answers: dict[str, Answer]) -> None:
    assert problems(design, asked(answers), NOW, LATE) == ()


def test_agents_that_report_are_those_of_the_units(design: Design) -> None:
    there = {(each.binary, each.node) for each in expected(design, design.specs)}
    assert there == {
        ("nova-conductor", "control"),
        ("nova-scheduler", "control"),
        ("nova-compute", "compute1"),
        ("nova-compute", "compute2"),
        *(("neutron-openvswitch-agent", node) for node in ("network", "compute1", "compute2")),
        *((f"neutron-{kind}-agent", "network") for kind in ("l3", "dhcp", "metadata")),
    }


def test_a_node_that_is_away_is_told_once(design: Design, answers: dict[str, Answer]) -> None:
    control = answers["control"]
    assert control.cloud and control.cloud.services and control.bus
    dead = tuple(replace(each, alive=each.host != "compute2") for each in control.cloud.services)
    queue = Queue("nova", "compute.compute2", 4, 0, False)
    answers["control"] = replace(
        control,
        cloud=replace(control.cloud, services=dead),
        bus=replace(control.bus, queues=(queue,)),
    )
    (problem,) = problems(design, asked(answers, "compute2"), NOW, LATE)
    assert problem == Problem("compute2", "", f"{AWAY.what}: {AWAY.output[0]}", AWAY.hint)
    assert len(told(design, answers)) == 2, "of a node that is there each of them counts"


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({"active": "failed", "sub": "failed", "answers": None, "said": "exit-code"}, "is failed: exit-code"),
        ({"active": "activating", "sub": "auto-restart", "answers": None}, "is activating, auto-restart"),
        ({"active": "inactive", "sub": "dead", "answers": None, "said": "there is no such unit"}, "no such unit"),
        ({"answers": False, "said": "status 503"}, "runs and does not answer: status 503"),
    ],
)
def test_a_unit_is_ill(design: Design, answers: dict[str, Answer], state: dict[str, object], what: str) -> None:
    answers["control"] = ill(answers["control"], "nova-api", **state)
    ((node, component, said),) = told(design, answers)
    assert (node, component) == ("control", "nova-api") and what in said


def test_what_a_timer_starts_may_rest_but_not_fail(design: Design, answers: dict[str, Answer]) -> None:
    answers["control"] = ill(answers["control"], "keystone-rotate", active="failed", sub="failed")
    assert [component for _, component, _ in told(design, answers)] == ["keystone"]


@pytest.mark.parametrize("gone", [True, False])
def test_an_agent_is_dead(design: Design, answers: dict[str, Answer], gone: bool) -> None:
    control = answers["control"]
    assert control.cloud and control.cloud.agents and AGENT in control.cloud.agents
    others = tuple(each for each in control.cloud.agents if each != AGENT)
    agents = others if gone else (*others, replace(AGENT, alive=False))
    answers["control"] = replace(control, cloud=replace(control.cloud, agents=agents))
    what = "Neutron does not know it" if gone else "Neutron has not heard from it lately"
    assert told(design, answers) == [("network", "neutron-l3-agent", what)]
    # Where its unit does not run that is the whole story.
    answers["network"] = ill(answers["network"], "neutron-l3-agent", active="failed", sub="failed")
    assert [each for *_, each in told(design, answers)] == ["wallcloud-neutron-l3-agent.service is failed"]


def test_a_disabled_compute_is_the_operators_will(design: Design, answers: dict[str, Answer]) -> None:
    control = answers["control"]
    assert control.cloud and control.cloud.services
    services = tuple(replace(each, enabled=False, reason="mending") for each in control.cloud.services)
    answers["control"] = replace(control, cloud=replace(control.cloud, services=services))
    assert told(design, answers) == []


@pytest.mark.parametrize(
    ("life", "said"),
    [
        (Life(NOW - 240 * DAY, NOW + 125 * DAY), None),
        (Life(NOW - 245 * DAY, NOW + 120 * DAY), "has 120 days left: an apply renews it"),
        (Life(NOW - 367 * DAY, NOW - 2 * DAY), "is over since 2 days"),
        (None, "is not there"),
    ],
)
def test_certificates(design: Design, answers: dict[str, Answer], life: Life | None, said: str | None) -> None:
    answers["api"] = replace(answers["api"], certificates=(CertificateHealth("public-door@api", life),))
    whats = [f"the certificate public-door@api {said}"] if said else []
    assert told(design, answers) == [("api", "", what) for what in whats]


@pytest.mark.parametrize(
    ("queue", "said"),
    [
        (Queue("neutron", "q-plugin", 0, 0, False), "nobody listens to neutron's q-plugin"),
        (Queue("neutron", "q-plugin", 1001, 3, False), "more than 1000 messages wait in neutron's q-plugin"),
        (Queue("neutron", "reply_5", 7, 0, True), None),
        (Queue("neutron", "q-plugin", 1000, 3, False), None),
    ],
)
def test_queues(design: Design, answers: dict[str, Answer], queue: Queue, said: str | None) -> None:
    control = answers["control"]
    assert control.bus
    answers["control"] = replace(control, bus=replace(control.bus, queues=(*control.bus.queues, queue)))
    assert [what for *_, what in told(design, answers)] == ([said] if said else [])


def test_the_bus_says_what_its_own_checks_would(design: Design, answers: dict[str, Answer]) -> None:
    control = answers["control"]
    assert control.bus
    bus = replace(control.bus, alarms=("memory",), down=("nova",), connections=95, limit=100)
    answers["control"] = replace(control, bus=bus)
    assert [what for *_, what in told(design, answers)] == [
        "alarm: memory",
        "the virtual host nova does not run",
        "95 of 100 connections are used",
    ]


def test_what_is_used_up(design: Design, answers: dict[str, Answer]) -> None:
    control = answers["control"]
    assert control.cloud and control.database
    answers["control"] = replace(
        control,
        database=replace(control.database, connections=240),
        cloud=replace(control.cloud, pools=(Pool("floating-a", 241, 241, 200), Pool("floating-b", 240, 241, 0))),
        disks=(Disk("/", 20480, 2000), Disk("/big", 1024000, 20480)),
    )
    assert [what for *_, what in told(design, answers)] == [
        "floating-a has no address left: 241 of 241 are used",
        "240 of 249 connections are used",
        "/ is nearly full: 2000 MiB of 20480 are left",
    ]


def test_silence_is_a_problem_unless_its_reason_is_one(design: Design, answers: dict[str, Answer]) -> None:
    silent = (
        Silence("Nova's services", "nova-api", "no answer within 10 s"),
        Silence("Neutron's agents", "neutron-api", "keystone does not run", "keystone"),
    )
    answers["control"] = replace(answers["control"], silent=silent)
    assert told(design, answers) == [
        ("control", "nova-api", "Nova's services: no answer within 10 s"),
        ("control", "neutron-api", "Neutron's agents: keystone does not run"),
    ]
    for ill_one, left in (("nova-api", "neutron-api"), ("keystone", "nova-api")):
        told_too = {**answers, "control": ill(answers["control"], ill_one, active="failed", sub="failed")}
        assert [component for _, component, _ in told(design, told_too)] == [ill_one, left]


def test_what_goes_to_a_node(far: Far, design: Design) -> None:
    """One secret, to the one node that needs it; no resource that could hold another."""
    state = state_of(far.loaded)
    state.make()
    made = state.secrets({name for node in design.specs for name in design.secret_names(node)} - {"ca"})
    for node in design.specs:
        sent = question(design, state, node)
        assert list(sent["secrets"]) == (["identity-admin"] if node == "control" else []), sent["secrets"]
        assert {each["kind"] for each in sent["spec"]["resources"]} <= {
            *("unit", "certificate", "directory", "cloud-network"),
            *("exclusive-bus-accounts", "exclusive-database-accounts"),
        }
    text = json.dumps(question(design, state, "control"))
    assert [name for name, value in made.items() if value in text] == ["identity-admin"]


def test_nodes_are_asked_at_once_and_one_that_is_away_costs_itself_only(far: Far, design: Design) -> None:
    answers = well(design)
    for node in ("control", "api", "network", "compute1"):
        said = json.dumps(asdict(answers[node]))
        far.plays(node, f"import time\nhear()\ntime.sleep(1)\nsay('status', answer=json.loads({said!r}))\nfinish()")
    state = state_of(far.loaded)
    state.make()
    begun = time.monotonic()
    found = ask(far.loaded, design, state, design.specs)
    assert time.monotonic() - begun < 3.0, "four seconds one after the other"
    assert found.answers == {node: each for node, each in answers.items() if node != "compute2"}
    assert list(found.lost) == ["compute2"] and "No route to host" in found.lost["compute2"].output[-1]


def test_an_answer_that_makes_no_sense() -> None:
    with pytest.raises(SessionLost, match="not understood"):
        understood("api", {"event": "status", "answer": {"units": 3}})
