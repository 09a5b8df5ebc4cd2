"""The report of verify, and what it expects of the examples."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, designed

from wallcloud.design.compile import Design
from wallcloud.verify import doors, report
from wallcloud.verify.door import Tokens
from wallcloud.verify.expectation import Part, Probe, Seen

FOLDER = Path(__file__).parent / "golden"
ADMIN = doors.Credentials("admin", "hunter2-of-admin", "admin")
MEMBER = doors.Credentials("demo", "hunter2-of-demo", "demo")
SERVICE = doors.Credentials("glance", "hunter2-of-glance", "service")
USERS = doors.Users(ADMIN, SERVICE, MEMBER)
GOT = Tokens("TOKEN-a", "TOKEN-s", "TOKEN-m")


def probe(name: str, *, negative: bool = False, repeat: str = "") -> Probe:
    return Probe(name, "office", "status 403", f"why {name} <matters>", {"password": "hunter2"}, negative, repeat)


MET = Seen(probe("a"), "status 403")
LEAK = Seen(probe("b", negative=True, repeat="curl x"), "leaks", "10.0.0.1")
SILENT = Seen(probe("c", negative=True), "silent")
OTHER = Seen(probe("d", negative=True), "status 403", "x")
PARTS = (Part("doors", (MET, LEAK, SILENT), 1.234), Part("walls", (OTHER,), 0.5))


def test_text() -> None:
    golden(FOLDER / "report.txt", report.as_text(PARTS) + "\n")
    golden(FOLDER / "report-fine.txt", report.as_text(PARTS[1:]) + "\n")


def test_many_failures_are_no_wall_of_lines() -> None:
    """25 rows of 3 columns: the pairs that fail most come first, and what is left out is counted."""
    failed = [
        replace(
            MET, outcome="open", probe=replace(MET.probe, id=f"r/{row}/{column}/{n}", source=f"s{row}", target=column)
        )
        for row in range(25)
        for column in ("t1", "t2")
        for n in range(1 + row % 3)
    ]
    text = report.as_text((Part("reach", (*failed, MET), 2.5),))
    golden(FOLDER / "report-many.txt", text + "\n")
    assert len(text.splitlines()) < 70


def test_mutations() -> None:
    told = {"injected": 3, "caught": 2, "missed": ["x"]}
    assert report.as_json(PARTS, told)["mutations"] == told
    assert "mutations" not in report.as_json(PARTS)


def test_junit_of_what_xml_cannot_hold() -> None:
    odd = Seen(probe("e"), "closed", "\x00\x1b[31m<&\ud800")
    assert "\ufffd" in ET.tostring(ET.fromstring(report.as_junit((Part("p", (odd,), 1),)).encode()), "unicode")


def test_json() -> None:
    whole = report.as_json(PARTS)
    golden(FOLDER / "report.json", json.dumps(whole, indent=2) + "\n")
    assert (whole["expectations"], whole["negative"], whole["met"], whole["failed"]) == (4, 3, 2, 2)


def test_junit() -> None:
    text = report.as_junit(PARTS)
    golden(FOLDER / "report.xml", text + "\n")
    suites = ET.fromstring(text)
    assert [(suite.get("tests"), suite.get("failures")) for suite in suites] == [("3", "2"), ("1", "0")]


def test_no_secret_is_in_a_report() -> None:
    for text in (report.as_text(PARTS), json.dumps(report.as_json(PARTS)), report.as_junit(PARTS)):
        assert "hunter2" not in text


def probes(design: Design) -> list[Probe]:
    return list(doors.probes(design, "CA", "ca.pem", USERS, GOT))


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_is_expected(flavour: str) -> None:
    found = probes(designed(flavour))
    lines = [
        f"{each.place:<7} {each.id:<50} {each.expected}{'  (must not pass)' if each.negative else ''}" for each in found
    ]
    golden(FOLDER / f"probes-{flavour}.txt", "\n".join(lines) + "\n")
    assert len({each.id for each in found}) == len(found)
    assert all(each.why for each in found)
    assert not any(secret in each.repeat for each in found for secret in ("hunter2", "TOKEN"))


def test_every_negative_has_its_positive_control() -> None:
    """A place that hears nothing must first show that it can hear: from each one something must pass."""
    found = probes(designed())
    for place in {each.place for each in found}:
        assert any(not each.negative for each in found if each.place == place), place


def test_without_a_member_there_is_none_of_his() -> None:
    """Of each API his own token, and a service's beside his; and his login."""
    alone = {each.id for each in doors.probes(designed(), "CA", "ca.pem", replace(USERS, member=None), GOT)}
    lacks = {each.id for each in probes(designed())} - alone
    apis = ("image", "network", "compute")
    assert lacks == {
        "public-door/member-token",
        *(f"public-door/{name}/{api}" for name in ("member-x-auth-token", "service-x-service-token") for api in apis),
    }


def test_a_services_token_is_tried_beside_a_members() -> None:
    """Alone it is nobody's, and one that is no service's is none: refused whatever the door thinks of it. Such a check
    could not fail."""
    found = [each for each in probes(designed()) if "x-service-token" in each.id]
    assert len(found) == 3
    for each in found:
        assert each.what["headers"] == {"X-Auth-Token": "TOKEN-m", "X-Service-Token": "TOKEN-s"}
        assert each.expected == "status 403"


def test_tokens_of_doors_that_are_down() -> None:
    asked = tuple(doors.logins(designed(), "CA", USERS))
    assert [each.place for each in asked] == ["admin", "admin", "office"]
    seen = [Seen(each, "token", each.id[0]) for each in asked]
    assert doors.tokens(seen) == Tokens("a", "s", "m")
    assert doors.tokens([Seen(asked[0], "status 503", "a"), Seen(asked[2], "silent")]) == Tokens("", "", "")


def test_management_addresses_are_what_must_not_leak() -> None:
    leak = next(each for each in probes(designed()) if "no-management-address" in each.id)
    assert set(leak.what["forbidden"]) == {
        *(f"198.18.10.{host}" for host in range(11, 16)),
        "control.internal.cloud.example",
    }
