"""Interfaces, routes and facts: what the kernel says, and what is asked of it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.node.bare import Bare, differing

from wallcloud.node import apt, dpkg, network
from wallcloud.node.facts import facts
from wallcloud.node.resource import ResourceFailed
from wallcloud.node.resources import Interface, InterfaceSysctls, Route, Sysctl, interface_sysctls
from wallcloud.node.run import Output

ADDR = [
    {
        "ifname": "mgmt0",
        "flags": ["BROADCAST", "UP", "LOWER_UP"],
        "mtu": 1500,
        "address": "02:00:00:00:00:01",
        "addr_info": [
            {"family": "inet", "local": "198.18.10.11", "prefixlen": 24, "scope": "global"},
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"},
            {"family": "inet6", "local": "fd00::99", "prefixlen": 64, "scope": "global", "mngtmpaddr": True},
        ],
    },
    {
        "ifname": "mgmt0.7",
        "link": "mgmt0",
        "flags": ["BROADCAST"],
        "mtu": 1400,
        "addr_info": [],
        "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 7}},
    },
]
ROUTES = [
    {"dst": "default", "gateway": "198.18.30.1", "dev": "pub0"},
    {"dst": "198.18.1.0/24", "gateway": "198.18.10.1", "dev": "mgmt0"},
    {"dst": "198.18.5.5", "dev": "mgmt0"},
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `ip` was asked to change; it answers from ADDR and ROUTES."""
    commands: list[str] = []

    def ip(argv: tuple[str, ...], *_: Any, **__: Any) -> Output:
        if "addr" in argv:
            return Output(0, json.dumps(ADDR), "")
        if "show" in argv:
            return Output(0, json.dumps(ROUTES if "-4" in argv else []), "")
        commands.append(" ".join(argv))
        return Output(0, "", "")

    for module in ("network", "resources.interface", "resources.route"):
        monkeypatch.setattr(f"wallcloud.node.{module}.run", ip)
    return commands


def test_interfaces_are_parsed(asked: list[str]) -> None:
    found = network.ask()
    assert found["mgmt0"].addresses == ("198.18.10.11/24",)
    assert (found["mgmt0"].up, found["mgmt0"].carrier, found["mgmt0"].mac) == (True, True, "02:00:00:00:00:01")
    assert (found["mgmt0.7"].kind, found["mgmt0.7"].vlan, found["mgmt0.7"].link) == ("vlan", 7, "mgmt0")


def test_a_vlan_as_it_is(asked: list[str]) -> None:
    assert differing(Interface(interface="mgmt0.7", link="mgmt0", vlan=7, mtu=1400, up=False), Bare()) == []


@pytest.mark.parametrize(("vlan", "link"), [(8, "mgmt0"), (7, "pub0")])
def test_another_vlan_is_made_anew(asked: list[str], vlan: int, link: str) -> None:
    wanted = Interface(interface="mgmt0.7", link=link, vlan=vlan, addresses=("198.18.11.1/24",), mtu=1400)
    changes = wanted.compare(Bare())
    assert [change.property for change in changes] == ["up", "addresses", "link"]
    assert wanted.consequence(changes) == "interrupts mgmt0.7"
    wanted.apply(Bare(), changes)
    assert asked == [
        "ip link del dev mgmt0.7",
        f"ip link add link {link} name mgmt0.7 type vlan id {vlan}",
        "ip link set dev mgmt0.7 mtu 1400",
        "ip address replace 198.18.11.1/24 dev mgmt0.7 broadcast +",
        "ip link set dev mgmt0.7 up",
    ]


def test_addresses_of_others_may_stay(asked: list[str]) -> None:
    assert differing(Interface(interface="mgmt0", managed_addresses=False), Bare()) == []
    assert differing(Interface(interface="mgmt0"), Bare()) == ["addresses"]


def test_a_card_that_is_not_there(asked: list[str]) -> None:
    wanted = Interface(interface="pub0")
    assert differing(wanted, Bare()) == ["mtu", "up", "addresses"]
    with pytest.raises(ResourceFailed) as failed:
        wanted.apply(Bare(), ())
    assert failed.value.what == "this node has no interface pub0"
    assert failed.value.hint == "name the card of this network in the site file; the facts list those that there are"


@pytest.mark.parametrize(
    ("route", "properties"),
    [
        (Route(to="198.18.1.0/24", via="198.18.10.1"), []),
        (Route(to="198.18.1.0/24", via="198.18.10.1", dev="mgmt0"), []),
        (Route(to="198.18.1.0/24", via="198.18.10.2", dev="mgmt0"), ["via"]),
        (Route(to="default", via="198.18.30.1", dev="mgmt0"), ["dev"]),
        (Route(to="198.18.5.5/32", dev="mgmt0"), []),
        (Route(to="198.18.2.0/24", via="198.18.10.1"), ["via"]),
    ],
)
def test_routes(asked: list[str], route: Route, properties: list[str]) -> None:
    assert differing(route, Bare()) == properties
    route.apply(Bare(), ())
    assert asked[0].startswith(f"ip route replace {route.to} ")


def test_a_sysctl_with_dots_in_an_interface() -> None:
    assert str(Sysctl(key="net/ipv4/conf/mgmt0.7/rp_filter", value="1")._path).endswith("/conf/mgmt0.7/rp_filter")
    assert differing(Sysctl(key="net.no.such", value="1"), Bare()) == ["value"]
    with pytest.raises(ResourceFailed, match=r"this kernel has no net\.no\.such"):
        Sysctl(key="net.no.such", value="1").apply(Bare(), ())


def test_every_interface_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`all` as it shall be says nothing of a single interface, whatever its name; what a kernel lacks is left out."""
    root = tmp_path / "sys/net"
    monkeypatch.setattr(interface_sysctls, "_ROOT", root)
    for interface in ("all", "default", "eth0", "eth0.7"):
        folder = root / "ipv4/conf" / interface
        folder.mkdir(parents=True)
        (folder / "forwarding").write_text("0\n")
        (folder / "rp_filter").write_text("1\n")
    resource = InterfaceSysctls(ipv4=("forwarding 0", "rp_filter 1", "no_such 1"), ipv6=("disable_ipv6 1",))
    assert differing(resource, Bare()) == []
    for interface, key, value in (
        ("eth0.7", "forwarding", "1"),
        ("eth0", "rp_filter", "2"),
        ("default", "rp_filter", "0"),
    ):
        (root / "ipv4/conf" / interface / key).write_text(f"{value}\n")
    assert resource.read(Bare()) == {
        "strangers": (
            "net/ipv4/conf/default/rp_filter = 0",
            "net/ipv4/conf/eth0/rp_filter = 2",
            "net/ipv4/conf/eth0.7/forwarding = 1",
        )
    }
    resource.apply(Bare(), ())
    assert differing(resource, Bare()) == []


def test_a_package_manager_that_never_ends_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dpkg, "lock_holder", lambda: (321, "unattended-upgr"))
    monkeypatch.setattr(apt, "LOCK_SECONDS", 0.1)
    context = Bare()
    with pytest.raises(ResourceFailed) as failed:
        apt.wait_for_lock(context)
    assert failed.value.what == "pid 321 (unattended-upgr) has held the lock of the package manager for 0.1 s"
    assert failed.value.hint == "see what it does on the node: ps -f 321; then run wallcloud apply again"
    assert context.notes == ["waits for pid 321 (unattended-upgr), which holds the lock of the package manager"]


def test_facts() -> None:
    begun = time.monotonic()
    found = facts()
    assert time.monotonic() - begun < 1
    assert json.loads(json.dumps(found)) == found
    assert set(found) >= {"distribution", "kernel", "cores", "memory_mib", "disk_free_mib", "virtualization", "clock"}
    assert found["cores"] >= 1
    assert found["interfaces"] is not None
    assert all(set(each) == {"mac", "mtu", "up", "carrier", "addresses"} for each in found["interfaces"].values())
    assert "lo" not in found["interfaces"]
