"""Verify on a site without a public door: all of it runs from the admin workstation, and expects no other door."""

from typing import Any

from tests.design.world import RELEASE, designed, example

from wallcloud.design.compile import compile_site
from wallcloud.verify import doors
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.door import Tokens
from wallcloud.verify.doors import Credentials, Users
from wallcloud.verify.encryption.rogue import Vouching
from wallcloud.verify.parts import _where
from wallcloud.verify.tenants import part
from wallcloud.verify.tenants.scenario import scenario

FLAVOUR = "admin-only"
SOMEBODY = Credentials("somebody", "secret", "theirs")
USERS = Users(SOMEBODY, SOMEBODY, SOMEBODY)


def cloud(flavour: str) -> Cloud:
    def never(*what: object) -> Any:
        raise AssertionError(what)

    return Cloud(designed(flavour), "CA", USERS, never, never, Vouching(never, never), never)


def test_there_is_the_management_door_alone() -> None:
    found = tuple(doors.probes(designed(FLAVOUR), "CA", "ca.pem", USERS, Tokens("a", "s", "m")))
    assert {each.id.partition("/")[0] for each in found} == {"management-door", "wall", "ssh"}
    assert {each.place for each in found if each.id.startswith("management-door")} == {"admin"}
    silent = {each.id for each in found if each.place == "office"}
    assert "wall/office/control/443" in silent, "who is not in an admin prefix does not reach it"
    assert all(each.negative for each in found if each.place == "office")


def test_tenants_are_tried_at_the_management_door() -> None:
    at = _where(cloud(FLAVOUR))
    assert (at.outer.place, at.outer.address, at.outer.name) == (
        "admin",
        "198.18.10.11",
        "control.internal.cloud.example",
    )
    assert (at.outer.interface, at.forbidden) == ("internal", ())
    assert _where(cloud("article")).outer.place == "office"
    plan = scenario(designed(FLAVOUR))
    assert (plan.place, plan.spread) == ("admin", True)


def test_what_would_always_hold_is_not_counted() -> None:
    """Where nothing is hidden, that nothing leaked proves nothing."""
    assert part.hides(scenario(designed("article")))
    assert not part.hides(scenario(designed(FLAVOUR)))


def test_verifys_tenants_keep_out_of_projects_networks() -> None:
    changed = example(FLAVOUR, ("198.18.63.0/24", "192.0.2.0/24"))
    assert str(scenario(compile_site(changed, {}, RELEASE)).private) == "198.51.100.0/24"
