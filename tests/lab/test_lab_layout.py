"""The lab of a site, as data: nothing here touches the kernel."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from wallcloud.errors import WallcloudError
from wallcloud.lab.layout import wiring
from wallcloud.lab.network import address_commands, plug_commands
from wallcloud.lab.wiring import Wiring, mac, metric_of, short
from wallcloud.site.addresses import plan
from wallcloud.site.load import load_text

ARTICLE = Path(__file__).parents[2] / "examples/article/site.yaml"
SITE = """\
wallcloud: 1
name: small
release: "2026.2"
domain: cloud.example
admin_prefixes: [198.18.1.0/24]
time: {servers: [198.18.10.1]}
networks:
  management: {kind: management, cidr: 198.18.10.0/24, gateway: 198.18.10.1}
  overlay: {kind: overlay, cidr: 198.18.20.0/24, mtu: 1550}
nodes:
  control: {roles: [control], interfaces: {management: eth0}}
  compute: {roles: [network, compute], interfaces: {management: eth0, overlay: eth1}}
"""


def lab(text: str) -> Wiring:
    site = load_text(text.encode(), Path("site.yaml")).site
    return wiring(site, plan(site))


def changed(*pairs: tuple[str, str]) -> Wiring:
    text = SITE
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    return lab(text)


def test_article() -> None:
    found = lab(ARTICLE.read_text())
    assert [wire.name for wire in found.wires] == [
        *("management", "public", "overlay", "floating-a", "floating-b", "flat-a", "flat-b"),
        *("office", "admin"),
    ]
    assert {wire.name: wire.mtu for wire in found.wires}["overlay"] == 1550
    network = found.machine("network")
    assert [nic.name for nic in network.nics] == ["mgmt0", "ovl0", "fla0", "flb0", "pra0", "prb0"]
    assert str(network.address) == "198.18.10.13/24"
    assert network.routes == ((IPv4Network("198.18.1.0/24"), IPv4Address("198.18.10.1")),)
    assert found.place("office").hosts.splitlines()[2:] == ["198.18.30.11 cloud.example"]
    assert "198.18.10.11 control.internal.cloud.example control" in found.place("admin").hosts.splitlines()
    assert {str(prefix) for prefix in found.prefixes} >= {"198.18.2.0/24", "198.18.20.0/24", "198.18.1.0/24"}


def test_router_has_a_leg_wherever_a_gateway_is_and_never_on_the_overlay() -> None:
    router = lab(ARTICLE.read_text()).place("router")
    legs = {leg.wire.name: [str(address) for address in leg.addresses] for leg in router.legs}
    assert legs["flat-b"] == ["198.18.52.1/24"]
    assert "overlay" not in legs
    assert set(legs) == {"management", "public", "floating-a", "floating-b", "flat-a", "flat-b", "office", "admin"}


def test_router_knows_a_way_into_every_prefix_through_every_node_it_sees() -> None:
    found = lab(ARTICLE.read_text())
    ways = found.place("router").ways
    assert [(way.mark, way.node, way.network) for way in ways] == [
        (1000, "control", "management"),
        (1001, "api", "management"),
        (1002, "network", "management"),
        (1003, "compute1", "management"),
        (1004, "compute2", "management"),
        (1005, "api", "public"),
    ]
    site_prefixes = {str(prefix) for prefix in found.prefixes} - {"198.18.1.0/24", "198.18.2.0/24"}
    for way in ways:
        on_link = {"management": "198.18.10.0/24", "public": "198.18.30.0/24"}[way.network]
        assert {str(prefix) for prefix in way.prefixes} == site_prefixes - {on_link}
    overlay = [(str(via), metric) for prefix, via, metric in found.place("router").fallbacks]
    assert overlay == [(str(way.via), 100 + number) for number, way in enumerate(ways)]


def test_the_same_site_gives_the_same_lab_and_any_change_another_digest() -> None:
    before, after = changed(), changed(("mtu: 1550", "mtu: 1600"))
    assert before == changed()
    assert before.machine("control").digest == after.machine("control").digest
    assert before.machine("compute").digest != after.machine("compute").digest
    assert before.place("router").digest == after.place("router").digest


def test_only_the_interface_of_management_is_set_up_by_the_machine() -> None:
    compute = changed().machine("compute")
    assert address_commands(compute).splitlines() == [
        "link set dev eth0 mtu 1500 up",
        "address replace 198.18.10.12/24 broadcast + dev eth0",
        "route replace 198.18.1.0/24 via 198.18.10.1 dev eth0",
    ]
    address = mac("small", "compute", "eth1")
    assert plug_commands(compute).splitlines()[3:] == [
        f"link add name compute.eth1 mtu 1550 type veth peer name eth1 address {address} mtu 1500"
        " netns wc-small-node-compute",
        "link set dev compute.eth1 master overlay",
        "link set dev compute.eth1 up",
    ]


def test_networks_share_an_interface_by_vlans() -> None:
    found = changed(
        ("gateway: 198.18.10.1}", "gateway: 198.18.10.1, vlan: 10}"),
        ("mtu: 1550", "mtu: 1550, vlan: 20"),
        ("overlay: eth1", "overlay: eth0"),
    )
    compute = found.machine("compute")
    assert plug_commands(compute).splitlines()[1:] == [
        "link add link compute.eth0 name compute.eth0.10 mtu 1500 type vlan id 10",
        "link set dev compute.eth0.10 master management up",
        "link add link compute.eth0 name compute.eth0.20 mtu 1550 type vlan id 20",
        "link set dev compute.eth0.20 master overlay up",
        "link set dev compute.eth0 up",
    ]
    assert address_commands(compute).splitlines()[:4] == [
        "link set dev eth0 up",
        "link add link eth0 name eth0.10 type vlan id 10",
        "link set dev eth0.10 mtu 1500 up",
        "address replace 198.18.10.12/24 broadcast + dev eth0.10",
    ]


def test_an_untagged_network_may_share_an_interface_with_tagged_ones() -> None:
    compute = changed(("mtu: 1550", "mtu: 1550, vlan: 20"), ("overlay: eth1", "overlay: eth0")).machine("compute")
    assert [(nic.untagged and nic.untagged.name, nic.mtu) for nic in compute.nics] == [("management", 1550)]
    assert compute.nics[0].tagged[0][:2] == (20, "compute.eth0.20")


def test_two_untagged_networks_on_one_interface_are_refused() -> None:
    with pytest.raises(WallcloudError) as caught:
        changed(("overlay: eth1", "overlay: eth0"))
    assert str(caught.value) == "eth0 of node compute carries management and overlay, all untagged"
    assert caught.value.hint == "give all but one of them a vlan, or an interface of its own"


def test_the_office_moves_out_of_the_way() -> None:
    assert str(changed().place("office").legs[0].addresses[0]) == "198.18.2.10/24"
    moved = changed(("198.18.20.0/24", "198.18.2.0/23"))
    assert str(moved.place("office").legs[0].addresses[0]) == "198.19.2.10/24"


def test_an_office_without_room_is_an_error() -> None:
    with pytest.raises(WallcloudError, match="the lab finds no prefix for the office"):
        changed(("198.18.20.0/24", "198.18.0.0/15"))


def test_servers_outside_of_the_site_live_at_the_router() -> None:
    found = changed(("servers: [198.18.10.1]", "servers: [198.18.10.1, 198.19.77.5, 198.18.10.5]"))
    assert [str(address) for address in found.place("router").extra] == ["198.19.77.5", "198.18.10.5"]
    assert IPv4Network("198.19.77.5/32") in found.prefixes
    assert IPv4Network("198.18.10.5/32") not in found.prefixes, "it is covered by management"


def test_a_network_may_be_named_like_a_wire_of_the_lab() -> None:
    found = changed(("  overlay: {kind", "  admin: {kind"), ("overlay: eth1", "admin: eth1"))
    devices = [wire.device for wire in found.wires]
    assert len(set(devices)) == len(devices)


def test_names_of_devices_fit_the_kernel() -> None:
    assert short("compute1.mgmt0") == "compute1.mgmt0"
    assert short("a" * 16) != short("a" * 17)
    assert len(short("a-very-long-name.with-a-long-interface")) == 15


def test_macs_are_local_unicast_and_lasting() -> None:
    assert mac("s", "n", "eth0") == mac("s", "n", "eth0")
    assert mac("s", "n", "eth0") != mac("s", "n", "eth1")
    assert int(mac("s", "n", "eth0")[:2], 16) & 3 == 2


def test_metrics_tell_labs_apart() -> None:
    assert metric_of("article") != metric_of("combined")


def test_an_unknown_node_is_an_error() -> None:
    with pytest.raises(WallcloudError) as caught:
        changed().machine("contro1")
    assert (str(caught.value), caught.value.hint) == ("the site has no node contro1", "it has control, compute")


def test_the_router_knows_networks_of_projects_that_keep_their_addresses() -> None:
    """`sales` has no NAT: the physical router needs the route. The others are reached by floating IPs, or not at all;
    none of their packets leaves the lab."""
    example = Path(__file__).parents[2] / "examples/admin-only/site.yaml"
    loaded = load_text(example.read_bytes(), example)
    made = wiring(loaded.site, plan(loaded.site))
    routes = [(str(prefix), str(via)) for prefix, via, _ in made.place("router").fallbacks]
    assert ("198.18.61.0/24", "198.18.41.2") in routes
    assert not {"198.18.62.0/24", "198.18.63.0/24"} & {prefix for prefix, _ in routes}
    assert {"198.18.61.0/24", "198.18.62.0/24", "198.18.63.0/24"} <= {str(prefix) for prefix in made.prefixes}
