"""What a preflight says of hosts and wires: golden, from reports as nodes give them."""

from pathlib import Path
from typing import Any

import pytest
from tests.design.goldens import golden
from tests.design.world import RELEASE

from wallcloud.deploy.preflight import hosts, wires
from wallcloud.deploy.preflight.legs import Leg, legs
from wallcloud.deploy.preflight.report import Report
from wallcloud.design.compile import compile_site
from wallcloud.site.load import Loaded, load_text
from wallcloud.site.template import text

GOLDEN = Path(__file__).parent / "golden"
ROUTER = "02:00:00:00:00:fe"


@pytest.fixture(scope="module")
def article() -> Loaded:
    return load_text(text("article").encode(), Path("site.yaml"))


class Told:
    """Reports in which all is well, to be hurt."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.legs = legs(loaded.site)
        self.facts: dict[str, dict[str, Any]] = {}
        self.heard: dict[str, dict[str, Any]] = {}
        self.ahead = dict.fromkeys(loaded.site.nodes, -0.2)
        for number, node in enumerate(loaded.site.nodes):
            own = [leg for leg in self.legs if leg.node == node]
            macs = {leg.interface: f"02:00:00:00:{number:02x}:{leg.number:02x}" for leg in own}
            self.facts[node] = {
                "distribution": {"id": "debian", "version": "12"},
                "architecture": "x86_64",
                "hostname": "debian",
                "memory_mib": 16384,
                "kvm": True,
                "kvm_reason": "",
                "clock": {"unix": 1.0},
                "interfaces": {name: {"mac": mac, "mtu": 1500, "addresses": []} for name, mac in macs.items()},
            }
            self.heard[node] = {
                "links": dict.fromkeys(macs, True),
                "refused": {},
                "heard": [heard for leg in own for heard in self._hears(leg)],
                "holders": [[leg.number, str(leg.gateway), ROUTER] for leg in own if leg.gateway],
                "offers": [],
                "sockets": [],
                "free_mib": {"/": 50_000, "/var": 50_000, "/var/lib/wallcloud/images": 50_000},
                "apt": None,
                "settled": False,
            }

    def _hears(self, leg: Leg) -> list[list[int]]:
        others = [other for other in self.legs if other.network == leg.network and other.node != leg.node]
        return [[leg.number, other.number, size] for other in others for size in (64, leg.mtu)]

    def leg(self, node: str, network: str) -> Leg:
        return next(leg for leg in self.legs if (leg.node, leg.network) == (node, network))

    def lines(self) -> list[str]:
        reports = {node: Report.of(self.facts[node], self.heard[node], self.ahead[node]) for node in self.facts}
        design = compile_site(self.loaded, {}, RELEASE)
        found = (*hosts.faults(self.loaded.site, design.flows, reports), *wires.faults(self.legs, reports))
        return [fault.finding(self.loaded.locations).render() for fault in found]


def test_where_all_is_well_nothing_is_said(article: Loaded) -> None:
    assert Told(article).lines() == []


def test_hosts(article: Loaded) -> None:
    told = Told(article)
    control, api, _network, compute1, compute2 = told.facts.values()
    control["distribution"] = {"id": "ubuntu", "version": "24.04"}
    control["memory_mib"] = 2048
    told.heard["control"]["free_mib"] = {"/": 50_000, "/var": 900, "/var/lib/wallcloud/images": 8000}
    told.heard["control"]["sockets"] = [
        {"protocol": "tcp", "address": "*", "port": 3306, "program": "mysqld", "unit": "mysql.service"},
        {"protocol": "tcp", "address": "127.0.0.1", "port": 443, "program": "stunnel", "unit": "stunnel.service"},
        {"protocol": "tcp", "address": "0.0.0.0", "port": 443, "program": "nginx", "unit": ""},
        {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "program": "sshd", "unit": "ssh.service"},
        {"protocol": "udp", "address": "*", "port": 123, "program": "chronyd", "unit": "wallcloud-chrony.service"},
    ]
    api["architecture"] = "aarch64"
    api["hostname"] = "compute1.example.com"
    told.ahead["api"] = 7200.0
    told.ahead["network"] = -31.0
    told.heard["network"]["apt"] = [812, "unattended-upgr"]
    compute1 |= {"kvm": False, "kvm_reason": "there is no /dev/kvm"}
    compute2["interfaces"]["mgmt0"]["mac"] = compute1["interfaces"]["mgmt0"]["mac"]
    control["virtualization"] = compute2["virtualization"] = "kvm"
    compute1["virtualization"] = "systemd-nspawn"  # a lab's machine
    golden(GOLDEN / "preflight-hosts.txt", "\n".join(told.lines()) + "\n")


def test_a_node_that_has_everything_already_needs_less(article: Loaded) -> None:
    told = Told(article)
    told.heard["api"] |= {"free_mib": {"/": 1100, "/var": 1100}, "settled": True}
    assert told.lines() == []
    told.heard["api"]["settled"] = False
    assert len(told.lines()) == 2


def test_wires(article: Loaded) -> None:
    told = Told(article)
    told.heard["compute2"]["links"].pop("prb0")
    told.heard["compute2"]["links"]["pra0"] = False
    overlay = {node: told.leg(node, "overlay").number for node in ("network", "compute1", "compute2")}
    for node in overlay:
        told.heard[node]["heard"] = [
            each for each in told.heard[node]["heard"] if not (each[2] == 1550 and overlay["compute1"] in each[:2])
        ]
    crossed = (told.leg("network", "flat-a"), told.leg("api", "public"))
    told.heard["network"]["heard"].append([crossed[0].number, crossed[1].number, 64])
    taken = told.leg("compute1", "overlay")
    told.heard["compute1"]["holders"].append([taken.number, str(taken.address), "02:00:00:00:00:aa"])
    floating = told.leg("network", "floating-b")
    told.heard["network"]["holders"] = [
        *(each for each in told.heard["network"]["holders"] if each[0] != floating.number),
        *([floating.number, f"198.18.42.{host}", f"02:00:00:00:01:{host:02x}"] for host in range(20, 26)),
    ]
    for node in ("network", "compute1"):
        told.heard[node]["offers"].append([told.leg(node, "flat-b").number, "198.18.52.3", "02:00:00:00:00:bb"])
    told.heard["api"]["offers"].append([told.leg("api", "management").number, "198.18.10.2", "02:00:00:00:00:cc"])
    told.heard["api"]["refused"] = {str(told.leg("api", "public").number): "Message too long"}
    golden(GOLDEN / "preflight-wires.txt", "\n".join(told.lines()) + "\n")


def test_of_a_node_that_is_alone_no_silence_is_told(article: Loaded) -> None:
    told = Told(article)
    for node in ("control", "api", "compute1", "compute2"):
        del told.facts[node]
    for each in told.heard.values():
        each["heard"] = []
    assert told.lines() == []


def test_a_pool_is_not_judged_where_a_cloud_is_at_work(article: Loaded) -> None:
    told = Told(article)
    told.heard["network"]["holders"].append([told.leg("network", "floating-a").number, "198.18.41.20", ROUTER])
    assert len(told.lines()) == 1
    told.heard["network"]["settled"] = True
    assert told.lines() == []
