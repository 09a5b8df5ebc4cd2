"""Draining computes, as far as it shows without a cloud: what is wanted, and what it does to VMs."""

import pytest
from tests.node.servers.stub_keystone import Remembering

from wallcloud.node.resource import Change
from wallcloud.node.resources import CloudAccess, DrainedComputes, IdentityAccess
from wallcloud.node.secret import Secret

NOWHERE = "https://127.0.0.1:1"
ACCESS = CloudAccess(
    identity=IdentityAccess(
        url=f"{NOWHERE}/v3", ca="/nonexistent", password=Secret("password"), admin="admin", project="admin"
    ),
    image=NOWHERE,
    compute=NOWHERE,
    network=NOWHERE,
    placement=NOWHERE,
)


def drained(move: tuple[str, ...] = (), stop: tuple[str, ...] = ()) -> DrainedComputes:
    return DrainedComputes(access=ACCESS, computes=("one", "two", "three"), move=move, stop=stop)


@pytest.fixture
def here() -> Remembering:
    return Remembering(password="secret")


def test_a_drained_host_takes_none_and_has_none(here: Remembering) -> None:
    assert drained(move=("one",), stop=("two",)).desired(here) == {
        "out of use without need": (),
        "one takes VMs": False,
        "VMs on one": "none",
        "two takes VMs": False,
        "VMs on two": "none",
    }


def test_before_there_is_a_cloud_nothing_is_drained(here: Remembering) -> None:
    assert drained().compare(here) == ()
    assert {each.property for each in drained(stop=("two",)).compare(here)} == {
        "out of use without need",
        "two takes VMs",
        "VMs on two",
    }


def test_the_plan_says_what_happens_to_vms() -> None:
    resource = drained(move=("one",), stop=("two",))
    changes = (Change("VMs on one", "3 VMs", "none"), Change("VMs on two", "1 VM", "none"))
    assert resource.consequence(changes) == "one: restarts its VMs elsewhere, two: stops its VMs"
    assert resource.consequence((Change("one takes VMs", True, False),)) == ""
