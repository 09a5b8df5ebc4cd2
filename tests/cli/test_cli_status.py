"""The screen of `status`, and its exit status."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click import unstyle
from click.testing import CliRunner, Result
from tests.deploy.far import Far
from tests.deploy.health import NOW, asked, design_of, ill, well
from tests.design.goldens import golden

from wallcloud.cli.main import wallcloud
from wallcloud.cli.status_text import screen
from wallcloud.deploy.authority import Authority
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.status.judging import DAY
from wallcloud.deploy.status.report import report
from wallcloud.design.compile import Design
from wallcloud.node.status.model import Answer, CertificateHealth, Life, Queue, Silence

FOLDER = Path(__file__).parent / "golden"


@pytest.fixture
def design(far: Far) -> Design:
    return design_of(far.loaded)


@pytest.fixture
def answers(design: Design) -> dict[str, Answer]:
    return well(design)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def shown(design: Design, answers: dict[str, Answer], *away: str, ca_until: float = NOW + 3000 * DAY) -> str:
    lines = [unstyle(line) for line in screen(report(design, asked(answers, *away), NOW, ca_until))]
    assert len(lines) <= 40 and max(map(len, lines)) <= 80, "one screen"
    return "\n".join([*lines, ""])


def test_all_is_well(design: Design, answers: dict[str, Answer]) -> None:
    golden(FOLDER / "status-well.txt", shown(design, answers))


def test_a_node_is_away(design: Design, answers: dict[str, Answer]) -> None:
    golden(FOLDER / "status-away.txt", shown(design, answers, "compute2"))


def test_control_is_away(design: Design, answers: dict[str, Answer]) -> None:
    golden(FOLDER / "status-control-away.txt", shown(design, answers, "control"))


def test_an_agent_is_dead(design: Design, answers: dict[str, Answer]) -> None:
    control = answers["control"]
    assert control.cloud and control.cloud.agents and control.cloud.services
    agents = tuple(replace(each, alive=each.binary != "neutron-l3-agent") for each in control.cloud.agents)
    services = tuple(
        replace(each, enabled=False, reason="a new fan") if each.host == "compute1" else each
        for each in control.cloud.services
    )
    answers["control"] = replace(control, cloud=replace(control.cloud, agents=agents, services=services))
    golden(FOLDER / "status-agent.txt", shown(design, answers))


def test_a_certificate_is_late(design: Design, answers: dict[str, Answer]) -> None:
    life = Life(NOW - 300 * DAY, NOW + 65 * DAY)
    answers["api"] = replace(answers["api"], certificates=(CertificateHealth("public-door@api", life),))
    golden(FOLDER / "status-certificate.txt", shown(design, answers))


def test_the_ca_is_late(design: Design, answers: dict[str, Answer]) -> None:
    assert shown(design, answers, ca_until=NOW + 401 * DAY) == shown(design, answers)
    golden(FOLDER / "status-ca.txt", shown(design, answers, ca_until=NOW + 399 * DAY))
    assert "the site's CA is over" in shown(design, answers, ca_until=NOW - 1)


def test_a_queue_without_consumers(design: Design, answers: dict[str, Answer]) -> None:
    control = answers["control"]
    assert control.bus
    queues = (*control.bus.queues, Queue("neutron", "q-plugin", 12, 0, False))
    answers["control"] = replace(control, bus=replace(control.bus, queues=queues))
    golden(FOLDER / "status-queue.txt", shown(design, answers))


def test_an_api_is_stopped(design: Design, answers: dict[str, Answer]) -> None:
    control = ill(answers["control"], "nova-api", active="failed", sub="failed", answers=None, said="exit-code")
    assert control.cloud
    answers["control"] = replace(
        control,
        cloud=replace(control.cloud, services=None),
        silent=(Silence("Nova's services", "nova-api", "nova-api does not run", "nova-api"),),
    )
    golden(FOLDER / "status-api.txt", shown(design, answers))


def status(far: Far, *words: str) -> Result:
    argv = ["status", "--site", str(far.loaded.path), *words]
    return CliRunner().invoke(wallcloud, argv, catch_exceptions=False)


@pytest.fixture
def plays(far: Far, answers: dict[str, Answer]) -> Far:
    far.loaded.state.mkdir(mode=0o700)
    Authority.open(state_of(far.loaded), "played")
    later = (time.time() - NOW) // DAY * DAY
    for node, answer in answers.items():
        certificates = tuple(
            replace(each, life=Life(each.life.since + later, each.life.until + later))
            for each in answer.certificates
            if each.life
        )
        said = json.dumps(asdict(replace(answer, certificates=certificates)))
        far.plays(node, f"hear()\nsay('status', answer=json.loads({said!r}))\nfinish()")
    return far


def test_exit_status(plays: Far) -> None:
    ran = status(plays)
    assert ran.exit_code == 0 and "all is well" in ran.stdout, ran.output
    plays.runs("api", "exit 255")
    ran = status(plays)
    assert ran.exit_code == 1 and "1 thing not well" in ran.stdout and "37 of 249" in ran.stdout, ran.output
    assert status(plays, "--node", "control").exit_code == 0
    ran = status(plays, "--node", "contol")
    assert ran.exit_code == 2 and "did you mean control?" in ran.stderr


def test_json(plays: Far) -> None:
    told = json.loads(status(plays, "--json").stdout)
    assert told["well"] is True and told["lost"] == {} and list(told["nodes"]) == list(plays.loaded.site.nodes)
    assert told["pools"]["nova-api"] == 60
    plays.runs("api", "exit 255")
    ran = status(plays, "--json")
    told = json.loads(ran.stdout)
    assert (ran.exit_code, told["well"], list(told["lost"])) == (1, False, ["api"])
    assert told["problems"][0]["node"] == "api"


def test_before_the_first_apply(far: Far) -> None:
    ran = status(far)
    assert ran.exit_code == 1 and "there is no cloud of this site yet" in ran.stderr
    assert far.calls() == []
