"""What the part `tenants` plans and expects, and how it judges what it sees."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, RELEASE, designed, example
from tests.verify.played import hands, world

from wallcloud.design.compile import compile_site
from wallcloud.errors import WallcloudError
from wallcloud.verify.hands import Trouble
from wallcloud.verify.tenants import (
    checks_frames,
    checks_guests,
    checks_others,
    checks_paths,
    checks_refused,
    checks_walls,
    client,
    frames,
    left,
)
from wallcloud.verify.tenants.frames import Record
from wallcloud.verify.tenants.ledger import Check, Ledger
from wallcloud.verify.tenants.scenario import scenario
from wallcloud.verify.tenants.world import World

FOLDER = Path(__file__).parent / "golden"


def every(at: World, flavour: str = "article") -> list[Check]:
    inventories: dict[str, left.Inventory] = {}
    return [
        *checks_refused.catalog(at, at.scenario.tenants[0]),
        *checks_refused.checks(at),
        *checks_others.checks(at),
        *checks_guests.servers(at),
        *checks_guests.ready(at),
        *checks_guests.told(at),
        *checks_paths.checks(at),
        *checks_walls.checks(at),
        *checks_frames.checks(at, Record),
        *left.checks(designed(flavour).site, inventories, inventories, inventories),
    ]


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_is_expected(flavour: str) -> None:
    found = every(world(design=designed(flavour)), flavour)
    lines = [
        f"{each.place:<16} {each.id:<56} {each.expected}{'  (must not pass)' if each.negative else ''}"
        for each in found
    ]
    golden(FOLDER / f"tenants-{flavour}.txt", "\n".join(lines) + "\n")
    assert len({each.id for each in found}) == len(found)
    assert all(each.why for each in found)


def test_every_negative_has_its_positive_control() -> None:
    """The same act is seen to succeed where it is allowed: by the first word of what is tried."""
    found = every(world())
    for what in ("refused", "private", "frames", "inventory", "floating", "flat"):
        same = [each for each in found if each.id.startswith((what, "granted" if what == "refused" else what))]
        assert {each.negative for each in same} == {True, False}, what


def test_tenants_have_the_same_addresses_and_one_of_their_own() -> None:
    plan = scenario(designed())
    addresses = [{guest.address for guest in tenant.private} for tenant in plan.tenants]
    assert len(addresses[0] & addresses[1]) == 1
    assert all(len(each) == 2 for each in addresses)
    assert [tenant.external for tenant in plan.tenants] == ["floating-a", "floating-b"]
    assert [guest.flat for guest in plan.guests if guest.flat] == ["flat-a", "flat-b"]
    assert (plan.place, plan.private_mtu, plan.spread) == ("office", 1500, True)
    assert plan.watched == ("network", "compute1", "compute2")


def test_full_frames_are_the_wire_s() -> None:
    plan = scenario(designed())
    assert {plan.outer_mtu(guest) for guest in plan.guests} == {1500}
    narrow = scenario(compile_site(example("article", ("kind: flat,", "kind: flat, mtu: 1400,")), {}, RELEASE))
    assert {guest.name: narrow.outer_mtu(guest) for guest in narrow.guests if guest.flat} == {
        "verify-a-flat-a": 1400,
        "verify-b-flat-b": 1400,
    }


def test_private_addresses_keep_out_of_the_sites() -> None:
    changed = example("article", ("198.18.51.0/24", "192.0.2.0/24"), ("198.18.51.", "192.0.2."))
    assert str(scenario(compile_site(changed, {}, RELEASE)).private) == "198.51.100.0/24"


def test_a_ledger_keeps_the_order_and_goes_on_after_trouble() -> None:
    def lost() -> str:
        raise Trouble("gone", where="office", output=("last words",))

    def check(name: str, act: Any) -> Check:
        return Check(name, "office", "yes", "why", act)

    ledger = Ledger()
    ledger.try_all(
        [
            check("a", lambda: "yes"),
            check("b", lost),
            check("c", lambda: ("no", "never")),
            check("d", lambda: {"y": "z"}["x"]),
        ]
    )
    assert [(seen.probe.id, seen.outcome, seen.holds) for seen in ledger.seen] == [
        ("a", "yes", True),
        ("b", "no answer", False),
        ("c", "no", False),
        ("d", "no sense", False),
    ]
    assert ledger.seen[1].detail == "office: gone | last words"


def test_an_interrupted_ledger_waits_for_nothing_any_more() -> None:
    def stop() -> str:
        raise KeyboardInterrupt

    def never() -> str:
        return client.until("it", 60, lambda: None)

    try:
        with pytest.raises(KeyboardInterrupt):
            Ledger().try_all([Check("a", "x", "y", "z", stop), Check("b", "x", "y", "z", never)])
    finally:
        client.interrupted.clear()


def test_until_gives_up_in_time_and_says_what_for() -> None:
    assert client.until("it", 5, iter((None, None, 7)).__next__) == 7
    with pytest.raises(Trouble, match="it: not in 0 s"):
        client.until("it", 0.05, lambda: None)


# -- the client


def answering(status: int, body: Any, **headers: str) -> World:
    text = body if isinstance(body, str) else json.dumps(body)
    return world(hands(api=lambda **_: {"status": status, "headers": headers, "body": text}))


def test_login_reads_the_urls_of_its_door() -> None:
    endpoints = [
        {"interface": "public", "url": "https://cloud.example/network"},
        {"interface": "internal", "url": "https://control.internal.cloud.example/network"},
    ]
    token = {"project": {"id": "p"}, "user": {"id": "u"}, "catalog": [{"type": "network", "endpoints": endpoints}]}
    at = answering(201, {"token": token}, **{"X-Subject-Token": "secret"})
    one = at.admin
    one.login("u", "p", "p")
    assert (one.urls, one.project) == ({"network": "https://cloud.example/network"}, "p")
    one.request("GET", "network", "ports")
    asked = at.workstation.asked[-1][1]  # type: ignore[attr-defined]
    assert (asked["path"], asked["headers"]["X-Auth-Token"]) == ("/network/v2.0/ports", "secret")
    with pytest.raises(Trouble, match="the catalog has no compute at "):
        one.request("GET", "compute", "servers")


def test_an_old_token_does_not_go_with_a_new_login() -> None:
    at = answering(
        201, {"token": {"project": {"id": "p"}, "user": {"id": "u"}, "catalog": []}}, **{"X-Subject-Token": "t"}
    )
    for _ in range(2):
        at.admin.login("u", "p", "p")
        assert "X-Auth-Token" not in at.workstation.asked[-1][1]["headers"]  # type: ignore[attr-defined]


def test_a_login_that_fails() -> None:
    with pytest.raises(Trouble, match="no token: status 401: wrong"):
        answering(401, {"error": {"message": "wrong"}}).admin.login("u", "p", "p")


def test_an_answer_that_gives_a_management_address_away() -> None:
    here = hands(api=lambda **_: {"status": 200, "headers": {"Location": "https://198.18.10.11/"}, "body": "fine"})
    one = client.Client(here, world().things["verify-a"].client.door, ("198.18.10.11",))
    assert one.at("GET", "/x").body == "fine"
    assert one.leaks == ["GET /x holds 198.18.10.11"]


# -- guests


def test_a_vm_in_error_says_what_each_compute_said() -> None:
    """The tenant is told only that no host is left; which one refused, and why, an admin may read."""
    event = {"event": "compute__do_build", "start_time": "1", "result": "Error", "host": "compute1", "details": None}
    answers: dict[str, Any] = {
        "/server-verify-a1": {"server": {"name": "verify-a1", "status": "ERROR", "fault": {"message": "no host left"}}},
        "/os-instance-actions": {"instanceActions": [{"action": "create", "request_id": "req-1"}]},
        "/os-instance-actions/req-1": {
            "instanceAction": {
                "events": [
                    {**event, "start_time": "2", "result": "Success", "traceback": None},
                    {**event, "traceback": "Traceback\n  in it\nPortBindingFailed: no agent\n"},
                ]
            }
        },
    }

    def api(path: str, **_: Any) -> dict[str, Any]:
        body = max((key for key in answers if path.endswith(key)), key=len)
        return {"status": 200, "headers": {}, "body": json.dumps(answers[body])}

    at = world(hands(api=api))
    for one in (at.admin, at.things["verify-a"].client):
        one.urls = {"compute": "https://cloud.example/compute"}
    check = next(each for each in checks_guests.servers(at) if each.id == "server/verify-a1/active")
    with pytest.raises(Trouble, match=r"is in error: no host left \(compute1: PortBindingFailed: no agent\)$"):
        check.act()


def test_a_guest_without_floating_ip_is_asked_through_its_neighbour() -> None:
    at = world(hands(ask=lambda **_: {"ok": True}))
    at.ask(at.guest("verify-a1"), "about")
    at.ask(at.guest("verify-a2"), "about")
    asked = [(args["address"], args["line"]) for _, args in at.workstation.asked]  # type: ignore[attr-defined]
    assert asked == [("198.18.41.10", "about"), ("198.18.41.10", "ask 192.0.2.12 about")]


@pytest.mark.parametrize("answer", [{"ok": False, "error": "prober of 192.0.2.12: timeout"}, None, {}])
def test_a_guest_that_does_not_answer(answer: Any) -> None:
    at = world(hands(ask=lambda **_: answer))
    with pytest.raises(Trouble):
        at.ask(at.guest("verify-a2"), "about")


ABOUT = {
    "ok": True,
    "hostname": "verify-a1",
    "uuid": "server-verify-a1",
    "keys": {"verify-a": "ssh-ed25519 AAAA"},
    "user_data": {"digest": "0" * 64},
    "interfaces": [{"name": "eth0", "mtu": 1500}],
    "dhcp": {"eth0": {"address": "192.0.2.11", "router": "192.0.2.1", "dns": ["192.0.2.2"]}},
}


def about(**changes: Any) -> dict[str, str]:
    at = world(hands(ask=lambda **_: {**ABOUT, **changes}))
    at.things["verify-a"].public_key = "ssh-ed25519 AAAA"
    ledger = Ledger()
    wanted = ("dhcp", "metadata", "key", "user-data")
    ledger.try_all(each for each in checks_guests.told(at) if each.id in {f"guest/verify-a1/{name}" for name in wanted})
    return {seen.probe.id.rpartition("/")[2]: seen.outcome for seen in ledger.seen if seen.holds}


def test_what_a_guest_tells_is_compared() -> None:
    digest = world().things["verify-a"].digest
    assert set(about(user_data={"digest": digest})) == {"dhcp", "metadata", "key", "user-data"}
    assert "user-data" not in about()
    assert "metadata" not in about(uuid="another")
    assert "key" not in about(keys={})
    assert "dhcp" not in about(dhcp={"eth0": {**ABOUT["dhcp"]["eth0"], "router": "192.0.2.9"}})  # type: ignore[index]
    assert "dhcp" not in about(interfaces=[{"name": "eth0", "mtu": 1400}])


# -- frames


def recorded(leak: str = "", heard_on_tap: bool = True) -> tuple[World, Record]:
    """Every honest frame leaves by the wire; of the forged ones `leak` does, too."""

    def sniff(patterns: dict[str, Any], **_: Any) -> bool:
        at.names = list(patterns)  # type: ignore[attr-defined]
        return True

    def heard(name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for pattern in at.names:  # type: ignore[attr-defined]
            guest, sort = pattern.split(" ")
            found[pattern] = {at.of(at.guest(guest)).tap(at.guest(guest)): 1} if heard_on_tap else {}
            if sort in ("rs", "dhcp-discover", "arp", "udp", leak):
                found[pattern]["ovl0"] = 1
        return {"total": 9, "heard": found}

    node = hands(sniff=sniff, sniff_wait=lambda **_: True, sniff_end=heard)
    at = world(hands(ask=lambda **_: {"ok": True}), network=node, compute1=node, compute2=node)
    return at, frames.record(at)


def outcomes(at: World, found: Record) -> dict[str, str]:
    ledger = Ledger()
    ledger.try_all(checks_frames.checks(at, lambda: found))
    return {seen.probe.id: seen.outcome for seen in ledger.seen if not seen.holds}


def test_honest_frames_leave_and_forged_ones_do_not() -> None:
    at, found = recorded()
    wrong = outcomes(at, found)
    # Nobody's tap but the sender's hears here: the neighbour's is missed.
    assert wrong == {"frames/verify-a1/reach": "no VM", "frames/verify-b1/reach": "no VM"}


@pytest.mark.parametrize("leak", [sort.name for sort in frames.SORTS if sort.forged])
def test_a_forged_frame_that_leaves_is_seen(leak: str) -> None:
    at, found = recorded(leak)
    assert outcomes(at, found)[f"frames/verify-a1/{leak}"] == "leaves"


def test_a_frame_that_was_never_sent_proves_nothing() -> None:
    at, found = recorded(heard_on_tap=False)
    assert outcomes(at, found)["frames/verify-a1/mac"] == "not sent"


def test_a_node_that_cannot_listen_fails_every_frame() -> None:
    def refuse(**_: Any) -> None:
        raise Trouble("PermissionError")

    at, _ = recorded()
    at.nodes = {**at.nodes, "compute2": hands(sniff=refuse)}
    wrong = outcomes(at, frames.record(at))
    assert {seen for name, seen in wrong.items() if name.endswith("/mac")} == {"no answer"}


def test_the_order_itself_is_not_taken_for_the_frame() -> None:
    at, _ = recorded()
    sniffed = at.nodes["network"].asked[0][1]["patterns"]  # type: ignore[attr-defined]
    ordered = [args["line"] for kind, args in at.workstation.asked if kind == "ask"]  # type: ignore[attr-defined]
    for name, pattern in sniffed.items():
        wanted, unless = bytes.fromhex(pattern["bytes"]), bytes.fromhex(pattern.get("unless", ""))
        for line in ordered:
            assert wanted not in line.encode() or (unless and unless in line.encode()), name


# -- inventories


def test_a_difference_says_what_came_and_went() -> None:
    assert left.difference(["a", "b", "b"], ["b", "b", "a"]) == ""
    assert left.difference(["a", "b", "b"], ["b", "c"]) == "+c; -a; -b"


def test_a_forgotten_tunnel_may_go_and_none_may_come() -> None:
    tunnel, other = "br-tun vxlan-c612140c", "br-tun patch-int"
    assert left.unlike({"ports": [other, tunnel]}, {"ports": [other]}) == {}
    assert left.unlike({"ports": [other]}, {"ports": [other, tunnel]}) == {"ports": f"+{tunnel}"}
    assert left.unlike({"ports": [other, tunnel]}, {"ports": [tunnel]}) == {"ports": f"-{other}"}
    assert left.unlike({"ports": [tunnel], "flows": ["x"]}, {"ports": [tunnel], "flows": []}) == {"flows": "-x"}


def test_what_is_left_fails_and_so_does_what_never_moved() -> None:
    site = designed().site
    before = {node: {kind: ["x"] for kind in left.kinds(site, node)} for node in site.nodes}
    during = {node: {kind: ["x", "y"] for kind in kinds} for node, kinds in before.items()}

    def failed(middle: dict[str, left.Inventory], end: dict[str, left.Inventory]) -> set[str]:
        ledger = Ledger()
        ledger.try_all(left.checks(site, before, middle, end))
        return {seen.probe.id for seen in ledger.seen if not seen.holds}

    assert failed(during, before) == set()
    rest = {**before, "compute1": {**before["compute1"], "domains": ["x", "verify-a1"]}}
    assert failed(during, rest) == {"inventory/compute1/domains/left"}
    assert "inventory/compute2/flows/moves" in failed(before, before)
    assert "inventory/control/rows/left" in failed(during, {})


def test_no_site_prefix_is_left() -> None:
    text = [("198.18.51.0/24", "192.0.2.0/24"), ("198.18.51.", "192.0.2.")]
    text += [("198.18.52.0/24", "198.51.100.0/24"), ("198.18.52.", "198.51.100.")]
    text += [("198.18.42.0/24", "203.0.113.0/24"), ("198.18.42.", "203.0.113.")]
    with pytest.raises(WallcloudError, match="every prefix"):
        scenario(compile_site(example("article", *text), {}, RELEASE))
