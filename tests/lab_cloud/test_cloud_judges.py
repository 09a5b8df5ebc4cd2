"""The judges of these tests can say no: what was started anew, and what fails though nothing of it was in flight."""

from dataclasses import replace
from typing import Any

import pytest
from tests.lab_cloud.units import Unit, harmed
from tests.lab_cloud.victims import FRAMES, GOING, MAKING, POWER, STEPS, VICTIMS, Victim, unexplained, unswept

UNIT = Unit(start="a1", main="7", lasting={"7": "100 mariadbd", "8": "120 worker"})
BEFORE = {"wallcloud-mariadb.service": UNIT}


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (BEFORE, []),
        ({**BEFORE, "wallcloud-new.service": UNIT}, []),
        ({}, ["wallcloud-mariadb.service runs no more"]),
        ({"wallcloud-mariadb.service": replace(UNIT, start="a2")}, ["wallcloud-mariadb.service was started anew"]),
        ({"wallcloud-mariadb.service": replace(UNIT, main="9")}, ["wallcloud-mariadb.service was started anew"]),
        (
            {"wallcloud-mariadb.service": replace(UNIT, lasting={"7": "100 mariadbd", "8": "300 worker"})},
            ["wallcloud-mariadb.service: a process is gone or another one: 120 worker"],
        ),
    ],
)
def test_harm_is_seen(after: dict[str, Unit], told: list[str]) -> None:
    assert harmed(BEFORE, after) == told


def victim(service: str, step: str, node: str = "control") -> Victim:
    """One that dies in that step."""

    class At(Victim):
        @property
        def step(self) -> str:
            return step

    return At(node, service)


def report(*failed: tuple[str, str, str]) -> dict[str, Any]:
    """Of a run in which these failed: (id, expected, seen)."""
    rows = [dict(zip(("id", "expected", "seen", "repeat"), (*one, ""), strict=True)) for one in failed]
    return {"parts": {"tenants": {"failed": rows}}}


MADE = ("tenant/verify-a/made", "made", "no answer: POST compute servers: status 503")
PING = ("floating/verify-a1/ping", "answered", "silent")
OTHERS = ("floating/verify-b1/ping", "answered", "silent")
WALL = ("private/verify-a1/verify-b2/ping", "not answered", "answered: {}")
SILENT_WALL = ("private/verify-a1/verify-b2/ping", "not answered", "no answer: verify-a1 never got ready")
ALLOWED = ("refused/admin/users", "status 403", "status 200")
REFUSED = ("refused/admin/users", "status 403", "status 503: down")
FORGED = ("frames/verify-a1/ra", "stays in the VM", "leaves: compute1:br-int")
REACHED = ("frames/verify-a1/reach", "verify-a2", "verify-a2, verify-b1")
UNREACHED = ("frames/verify-a1/reach", "verify-a2", "no answer: verify-a1: verify-a1 was never made")
LEFT = ("inventory/control/rows/left", "as before", "changed: +nova.instances 1")


SWEPT = ("inventory/compute1/ports/left", "as before", "changed: -br-tun vxlan-c613140b")


def test_the_next_run_may_sweep_and_nothing_else() -> None:
    assert unswept(report(SWEPT)) == []
    assert unswept(report(SWEPT, LEFT, PING)) == [LEFT[0], PING[0]]


@pytest.mark.parametrize(
    ("who", "seen", "wrong"),
    [
        (victim("nova-api", MAKING), (MADE, PING), ()),
        (victim("nova-api", MAKING), (MADE, PING, OTHERS), (OTHERS,)),
        (victim("nova-api", MAKING), (MADE, SILENT_WALL, UNREACHED), ()),
        (victim("nova-api", MAKING), (MADE, WALL), (WALL,)),
        (victim("keystone", STEPS[1]), (REFUSED,), ()),
        (victim("keystone", STEPS[1]), (ALLOWED,), (ALLOWED,)),
        (victim("keystone", FRAMES), (PING,), (PING,)),
        (victim("keystone", FRAMES), (REFUSED,), (REFUSED,)),
        (victim("keystone", FRAMES), (SWEPT,), ()),
        (victim("keystone", GOING), (LEFT,), ()),
        (victim("openvswitch", FRAMES, "compute1"), (PING, FORGED, REACHED), (FORGED, REACHED)),
        (victim(POWER, FRAMES, "compute1"), (PING, LEFT), ()),
        (victim(POWER, FRAMES), (PING, LEFT), (PING,)),
    ],
)
def test_what_was_not_in_flight_is_told(
    who: Victim, seen: tuple[tuple[str, str, str], ...], wrong: tuple[tuple[str, str, str], ...]
) -> None:
    told = unexplained(report(*seen), who)
    assert [line.partition(": expected")[0] for line in told] == [id for id, _, _ in wrong]


def test_every_node_has_victims() -> None:
    """Drawn from the design: so a new service is one, too."""
    names = {victim.name for victim in VICTIMS}
    assert {
        "control-rabbitmq",
        "api-apache",
        "network-neutron-l3-agent",
        "compute2-libvirtd",
        "compute1-power",
    } <= names
    assert not any("journal" in name or "root-" in name for name in names)
