"""A cloud that is well, as its nodes tell it: what each test then makes ill."""

from collections.abc import Iterable
from dataclasses import replace

from tests.design.world import RELEASE

from wallcloud.deploy.prepare import known_facts
from wallcloud.deploy.status.asking import Asked
from wallcloud.deploy.status.judging import DAY, Expected, expected
from wallcloud.design.compile import Design, compile_site
from wallcloud.errors import WallcloudError
from wallcloud.node.resources import Certificate, Unit
from wallcloud.node.status.model import (
    AccountUse,
    Agent,
    Amount,
    Answer,
    BusHealth,
    Capacity,
    CertificateHealth,
    CloudHealth,
    DatabaseHealth,
    Disk,
    Life,
    Pool,
    Queue,
    Servers,
    UnitHealth,
)
from wallcloud.site.load import Loaded

NOW = 1795516800.0
AWAY = WallcloudError(
    "cannot be reached by SSH",
    output=("ssh: connect to host 198.18.10.15 port 22: No route to host",),
    hint="try it: ssh root@198.18.10.15 true",
)


def design_of(loaded: Loaded) -> Design:
    return compile_site(loaded, known_facts(loaded), RELEASE)


def well(design: Design) -> dict[str, Answer]:
    """Every node's answer."""
    answers = {node: _node(design, node) for node in design.specs}
    return {**answers, "control": _control(design, answers["control"])}


def asked(answers: dict[str, Answer], *away: str) -> Asked:
    return Asked({node: each for node, each in answers.items() if node not in away}, dict.fromkeys(away, AWAY))


def ill(answer: Answer, component: str, **told: object) -> Answer:
    """The same with the service of a component in another state."""
    unit = f"wallcloud-{component}.service"
    assert unit in {each.unit for each in answer.units}
    units = (replace(each, **told) if each.unit == unit else each for each in answer.units)  # type: ignore[arg-type]
    return replace(answer, units=tuple(units))


def _node(design: Design, node: str) -> Answer:
    resources = design.specs[node].resources
    return Answer(
        units=tuple(_unit(each) for each in resources if isinstance(each, Unit) and "@." not in each.unit),
        certificates=tuple(
            CertificateHealth(each.name, Life(NOW - 100 * DAY, NOW + 265 * DAY))
            for each in resources
            if isinstance(each, Certificate)
        ),
        disks=(Disk("/", 81920, 61440), Disk("/var", 40960, 12288)),
        memory=24106,
        memory_free=17203,
    )


def _unit(unit: Unit) -> UnitHealth:
    if not unit.runs:
        return UnitHealth(unit.component, unit.unit, False, "inactive", "dead")
    return UnitHealth(unit.component, unit.unit, True, "active", "running", True if unit.ready else None)


def _control(design: Design, answer: Answer) -> Answer:
    there = expected(design, design.specs)
    return replace(
        answer,
        database=DatabaseHealth(
            37, 61, 249, (AccountUse("keystone@localhost", 3), AccountUse("nova-api@localhost", 12))
        ),
        bus=BusHealth((), (), 42, 58892, 148, 1506, tuple(_queues(there))),
        servers=(Servers("compute1", "active", 2), Servers("compute2", "error", 1)),
        cloud=CloudHealth(
            agents=tuple(_agent(each) for each in there if each.binary.startswith("neutron")),
            services=tuple(_agent(each) for each in there if each.binary.startswith("nova")),
            capacity=tuple(
                Capacity(node, Amount(2, 8), Amount(256, 22000), Amount(1, 80)) for node in ("compute1", "compute2")
            ),
            pools=tuple(
                Pool(name, used, 241, ips)
                for name, used, ips in (
                    ("flat-a", 3, 0),
                    ("flat-b", 2, 0),
                    ("floating-a", 3, 1),
                    ("floating-b", 2, 1),
                )
            ),
            images=True,
        ),
    )


def _agent(each: Expected) -> Agent:
    return Agent(each.binary, each.node, True, True)


def _queues(there: Iterable[Expected]) -> Iterable[Queue]:
    for each in there:
        vhost, name = each.binary.split("-")[0], f"{each.binary}.{each.node}"
        yield Queue(vhost, name, 0, 1, False)
        yield Queue(vhost, f"{name}_fanout", 3, 0, True)
