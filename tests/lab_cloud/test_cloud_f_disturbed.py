"""The tenants' part while something dies: at most the requests in flight fail, nobody mends it, the next run passes.

The seed is in each message; WALLCLOUD_KILL_SEED sets another.
"""

import pytest
from tests.lab_cloud.cloud import NODES, Cloud, failures
from tests.lab_cloud.victims import HANDFUL, POWER, SERVICES, VICTIMS, Victim, hurt, unexplained, unswept
from tests.soak import WANTED, seldom

pytestmark = [pytest.mark.root, pytest.mark.lab]


def _known(unit: str) -> bool:
    return not unit.startswith(("wallcloud-root-", "systemd", "ssh"))


def test_every_service_is_a_victim(designed: Cloud) -> None:
    """What runs on each node is what SERVICES says. Instances of a unit (`@`) are started by need."""
    for node in NODES:
        running = {unit.removesuffix(".service").partition("@") for unit in filter(_known, designed.units(node))}
        names = {f"{name}{at}".removeprefix("wallcloud-") for name, at, _ in running}
        by_need = {name for name in SERVICES[node] if name.endswith("@")}
        assert names | by_need == set(SERVICES[node]), node


# Two runs of the tenants' part for each: half an hour of `make test` has no room for them.
@pytest.mark.soak
@pytest.mark.parametrize("victim", seldom(VICTIMS, HANDFUL))
def test_killed_while_tenants_are_at_work(designed: Cloud, victim: Victim) -> None:
    print(victim)
    report = hurt(designed, victim)
    told = failures(report)
    print(f"{report['met']} of {report['expectations']} met meanwhile\n{told}")
    wrong = unexplained(report, victim)
    assert not wrong, f"{victim}: not in flight, and failed:\n" + "\n".join(wrong)
    designed.expect_recovered(f"after {victim}")
    # In a handful the last run tells for all: each takes its time.
    if WANTED or victim == HANDFUL[-1] or victim.service == POWER:
        after = designed.verify("tenants")
        assert not unswept(after), f"the next run, after {victim}:\n{failures(after)}"


@pytest.mark.soak
@pytest.mark.parametrize("number", range(10))
def test_ten_times_in_a_row(designed: Cloud, number: int) -> None:
    report = designed.expect_verified("tenants")
    print(f"run {number}: {report['met']} met, {report['negative']} of them negative, {report['seconds']} s")
