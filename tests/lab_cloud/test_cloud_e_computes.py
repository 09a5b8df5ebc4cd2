"""A compute joins, is drained and leaves. In the plan only, but for `make soak`."""

from collections.abc import Iterator

import pytest
from tests.lab_cloud.cloud import NODES, Cloud
from tests.lab_cloud.command import Done
from tests.lab_cloud.units import Units, harmed_anywhere

pytestmark = [pytest.mark.root, pytest.mark.lab]

NEW = "compute3"
LEARNED = {"ruleset", "file", "bus-account", "nova-host"}
"""What control learns of a new compute: who may call it, and as whom."""
_KNOWN = """mariadb -BNe "
    SELECT host FROM nova.services WHERE topic = 'compute' AND deleted = 0
    UNION ALL SELECT host FROM neutron.agents WHERE host LIKE 'compute%'
    UNION ALL SELECT name FROM placement.resource_providers
    UNION ALL SELECT hypervisor_hostname FROM nova.compute_nodes WHERE deleted = 0
" | cut -d. -f1 | sort | uniq -c
"""
_GUESTS = """mariadb -BNe "SELECT hostname FROM nova.instances WHERE deleted = 0 AND host = '{host}'" """


@pytest.fixture
def as_before(designed: Cloud) -> Iterator[Cloud]:
    """The site and its machines are what they were, whatever happened to them."""
    yield designed
    designed.set_compute()
    (designed.state / f"facts/{NEW}.json").unlink(missing_ok=True)


def _changes(done: Done) -> dict[str, set[str]]:
    """Node → the kinds of resources that it changes, as its events say."""
    found: dict[str, set[str]] = {}
    for event in done.events:
        if event["event"] == "done" and event["outcome"] != "unchanged":
            found.setdefault(event["node"], set()).add(event["resource"]["kind"])
    return found


def _known(cloud: Cloud) -> dict[str, int]:
    """Compute → in how many places the cloud knows it, seen with other eyes than the plan's: 4 of them."""
    lines = cloud.on("control", _KNOWN).split("\n")
    return {name: int(count) for count, name in (line.split() for line in lines if line)}


def _guests(cloud: Cloud, host: str) -> list[str]:
    return cloud.on("control", _GUESTS.format(host=host)).split()


def _old_ones(cloud: Cloud) -> dict[str, Units]:
    return {node: cloud.units(node) for node in NODES}


def test_only_control_learns_of_a_new_compute(as_before: Cloud) -> None:
    """The machine is not there yet: the others say all the same what they would change. It is one like the others."""
    as_before.set_compute(NEW)
    (as_before.state / f"facts/{NEW}.json").write_text((as_before.state / "facts/compute2.json").read_text())
    done = as_before.run("plan", "--json").expect(1, "a compute more")
    assert done.summary["nodes"][NEW]["status"] == "lost"
    assert _changes(done) == {"control": LEARNED}, done.said
    consequences = [event["consequence"] for event in done.events if event["event"] == "done" and event["consequence"]]
    assert not any("restart" in each for each in consequences), consequences


@pytest.mark.soak
def test_a_compute_joins_is_drained_and_leaves(as_before: Cloud) -> None:
    cloud = as_before
    before = _old_ones(cloud)
    cloud.set_compute(NEW)
    cloud.run("lab", "up").expect(0)
    done = cloud.apply("a compute joins")
    assert {node: kinds for node, kinds in _changes(done).items() if node != NEW} == {"control": LEARNED}
    assert harmed_anywhere(before, _old_ones(cloud)) == []
    cloud.expect_designed("after a compute joined")
    assert _known(cloud) == {"compute1": 4, "compute2": 4, NEW: 4}

    report = cloud.run("verify", "--json", "--part", "tenants", "--keep")
    assert report.status == 0, report.said
    here = _guests(cloud, NEW)
    assert here, "no VM came to the new compute"
    cloud.set_compute()
    refused = cloud.run("apply").expect(1, "it holds VMs")
    assert f"refused: {NEW} holds {len(here)} VM" in refused.said, refused.said
    assert _known(cloud)[NEW] == 4 and _guests(cloud, NEW) == here, "something of it went"

    cloud.set_compute(NEW, drain="move")
    cloud.apply("its VMs move")
    assert _guests(cloud, NEW) == [], "it is not empty"
    assert set(here) <= {*_guests(cloud, "compute1"), *_guests(cloud, "compute2")}
    cloud.expect_designed("after it was drained")
    cloud.set_compute()
    before = _old_ones(cloud)
    cloud.apply("it leaves")
    assert _known(cloud) == {"compute1": 4, "compute2": 4}
    assert harmed_anywhere(before, _old_ones(cloud)) == []
    cloud.expect_designed("after it left")
    cloud.run("lab", "up").expect(0)
    cloud.expect_verified()
