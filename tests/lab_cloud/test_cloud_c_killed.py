"""SIGKILL at random moments: one apply mends it. The seed is in each message; WALLCLOUD_KILL_SEED sets another."""

import time
from itertools import cycle, islice

import pytest
from tests.lab_cloud.cloud import Cloud
from tests.lab_cloud.command import Running
from tests.lab_cloud.harm import Moment, change, expect_changed, kill
from tests.soak import seldom

pytestmark = [pytest.mark.root, pytest.mark.lab]

FIRST = ("converge", "deployer-with-ssh", "machine", "deployer", "converge-group", "connection") * 2
CHANGE = (
    "machine",
    "deployer",
    "converge",
    "deployer-with-ssh",
    "converge-group",
    "connection",
    "deployer",
    "converge",
)
MOMENTS = [
    *(Moment(number, True, victim) for number, victim in enumerate(FIRST)),
    *(
        Moment(number, False, victim)
        for number, victim in enumerate(islice(cycle(CHANGE), 50 - len(FIRST)), len(FIRST))
    ),
]
HANDFUL = [*MOMENTS[len(FIRST) : len(FIRST) + 2], MOMENTS[len(FIRST) + 4]]
"""Three of a change; `make soak` takes all fifty, of which those of the first deployment take minutes each."""
LOST_SECONDS = 600.0
"""Long before this a deployer has noticed that a node went away under it: a keep-alive every 15 s, 4 may lack."""
_counter = iter(range(7400, 8000))


@pytest.fixture(scope="module")
def durations(cloud: Cloud) -> dict[bool, float]:
    """How long each takes without interruption: {first deployment?: seconds}."""
    assert cloud.first is not None
    change(cloud, next(_counter))
    done = cloud.apply("a change, uninterrupted")
    assert done.summary["applied"] >= 6
    cloud.expect_designed("after a change")
    expect_changed(cloud)
    return {True: cloud.first.seconds, False: done.seconds}


def _interrupt(cloud: Cloud, moment: Moment, durations: dict[bool, float]) -> tuple[Running, str]:
    """An apply that was killed at the moment, and the node that it lost.

    One that was through before, faster than measured, is measured so and done again.
    """
    for _ in range(3):
        if moment.fresh:
            cloud.fresh()
        else:
            change(cloud, next(_counter))
        begun = time.monotonic()
        running = cloud.start("apply", "--json")
        over = running.over(moment.fraction * durations[moment.fresh])
        if not over and (lost := kill(cloud, running, moment)) is not None:
            return running, lost
        cloud.finish(running).expect(0)
        durations[moment.fresh] = time.monotonic() - begun
    raise AssertionError(f"never at work at that moment: {moment}; uninterrupted: {durations}")


@pytest.mark.parametrize("moment", seldom(MOMENTS, HANDFUL))
def test_killed_then_applied(cloud: Cloud, durations: dict[bool, float], moment: Moment) -> None:
    print(f"{moment}; uninterrupted: {durations[moment.fresh]:.1f} s")
    running, node = _interrupt(cloud, moment, durations)
    if moment.victim == "machine":
        cloud.run("lab", "up").expect(0)
    try:
        killed = cloud.finish(running, LOST_SECONDS)
    finally:
        if moment.victim == "connection":
            cloud.link(node, up=True)
    if node:
        told = killed.expect(1, f"{node} was lost: {moment}").summary["nodes"][node]
        assert told["status"] == "lost" and told["why"], f"{moment}: {told}"
    assert "Traceback" not in killed.said, killed.said
    again = cloud.apply(f"the one after: {moment}")
    cloud.expect_designed(f"after: {moment}")
    expect_changed(cloud)
    print(f"killed after {killed.seconds:.1f} s, mended in {again.seconds:.1f} s ({again.summary['applied']} applied)")


def test_after_all_of_them_the_doors_hold(designed: Cloud) -> None:
    designed.expect_verified("doors")
