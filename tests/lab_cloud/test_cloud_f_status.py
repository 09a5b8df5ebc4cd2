"""What the cloud says of itself: well when it is, what is wrong by name."""

import json

import pytest
from tests.lab_cloud.cloud import NODES, Cloud

pytestmark = [pytest.mark.root, pytest.mark.lab]

STOPPED = "wallcloud-neutron-l3-agent.service"


def _told(cloud: Cloud, status: int) -> list[str]:
    report = json.loads(cloud.run("status", "--json").expect(status).stdout)
    assert report["well"] == (status == 0) and set(report["nodes"]) == set(NODES) and not report["lost"]
    return [" ".join(str(value) for value in problem.values()) for problem in report["problems"]]


def test_what_is_wrong_is_told_by_name(designed: Cloud) -> None:
    assert _told(designed, 0) == []
    assert "all is well" in designed.run("status").expect(0).stdout
    designed.on("network", f"systemctl stop {STOPPED}")
    try:
        told = _told(designed, 1)
    finally:
        designed.on("network", f"systemctl start {STOPPED}")
    named = [each for each in told if "neutron-l3-agent" in each]
    assert any(f"{STOPPED} is inactive" in each for each in named), told
    assert all("rabbitmq" in each for each in told if each not in named), f"more than its queues: {told}"
    designed.expect_recovered("an agent that was stopped and started")
