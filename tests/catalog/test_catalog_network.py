"""Open vSwitch and Neutron's agents: bridges, rules of the tunnels' bridge, who runs as whom, what each is told."""

import re
from collections.abc import Iterator

import pytest
from tests.design.world import EXAMPLES, RELEASE, designed, example

from wallcloud.catalog import bridges, components, neutron_agent
from wallcloud.catalog.facts import NodeFacts
from wallcloud.design import firewall
from wallcloud.design.compile import Design, compile_site
from wallcloud.design.secrets import holes
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.node.resources.ovs_flows import normal
from wallcloud.node.secret import Secret, masked
from wallcloud.site.model import Kind, Role

AGENTS = ("neutron-ovs-agent", "neutron-l3-agent", "neutron-dhcp-agent", "neutron-metadata-agent")
NODES = [
    (flavour, node)
    for flavour in EXAMPLES
    for node, it in designed(flavour).site.nodes.items()
    if {Role.NETWORK, Role.COMPUTE} & set(it.roles)
]
WHERE = pytest.mark.parametrize(("flavour", "node"), NODES)


def of(design: Design, node: str, component: str) -> Iterator[Resource]:
    return (each for each in design.specs[node].resources if each.component == component)


def tunnels(design: Design, node: str) -> r.OvsBridge:
    """The tunnels' bridge."""
    found = (each for each in of(design, node, "openvswitch") if isinstance(each, r.OvsBridge))
    return next(each for each in found if each.bridge == "br-overlay")


def settings(design: Design, node: str, component: str) -> dict[str, str]:
    """`group.option` → text, of an agent's file."""
    (file,) = (each for each in of(design, node, component) if isinstance(each, r.File) and each.path.endswith(".conf"))
    found, group = {}, ""
    for line in masked(file.content).splitlines():
        if line.startswith("["):
            group = line.strip("[]")
        elif " = " in line and not line.startswith("#"):
            option, _, value = line.partition(" = ")
            found[f"{group}.{option}"] = value
    return found


def service(design: Design, node: str, component: str) -> str:
    """The text of an agent's unit."""
    (unit,) = (
        each
        for each in of(design, node, component)
        if isinstance(each, r.Unit) and each.unit == f"wallcloud-{component}.service"
    )
    return unit.text


def test_bridges_have_names_that_the_kernel_takes_and_none_is_taken_twice() -> None:
    names = ["overlay", "int", "tun", "a", "floating-ab", "floating-abc", "floating-abd", "x" * 32]
    kinds = [Kind.OVERLAY, *[Kind.FLAT] * 7]
    found = [bridges._bridge(name, kind) for name, kind in zip(names, kinds, strict=True)]
    assert found[0] == "br-overlay"
    assert bridges._bridge("overlay", Kind.FLAT) != "br-overlay"
    assert found[3] == "br-a"
    assert found[4] == "br-floating-ab"
    assert len(set(found)) == len(found)
    assert not {"br-int", "br-tun"} & set(found)
    assert all(len(each) <= 15 for each in found)


def test_only_nodes_with_a_switch_have_bridges() -> None:
    site = designed().site
    assert bridges.of(site, "control") == {}
    assert bridges.of(site, "network") == {
        "overlay": "br-overlay",
        "floating-a": "br-floating-a",
        "floating-b": "br-floating-b",
        "flat-a": "br-flat-a",
        "flat-b": "br-flat-b",
    }
    assert "floating-a" not in bridges.of(site, "compute1")
    assert firewall.nic(site, "network", "overlay") == "br-overlay"
    assert firewall.nic(site, "network", "management") == "mgmt0"


@WHERE
def test_no_card_of_a_bridge_has_an_address_and_only_the_tunnels_bridge_has_one(flavour: str, node: str) -> None:
    design = designed(flavour)
    faces = {each.name: each for each in design.specs[node].resources if isinstance(each, r.Interface)}
    cards = [card for each in design.specs[node].resources if isinstance(each, r.OvsBridge) for card in each.cards]
    assert len(cards) == len(bridges.of(design.site, node)) == len(set(cards))
    for card in cards:
        assert faces[card].managed_addresses and not faces[card].addresses
    for network, bridge in bridges.of(design.site, node).items():
        own = design.plan.interface(node, network)
        assert faces[bridge].addresses == ((str(own),) if own else ())
        assert faces[bridge].mtu == design.site.networks[network].mtu
        assert faces[bridge].up == (bridge == "br-overlay")
    boot = next(
        each
        for each in design.specs[node].resources
        if isinstance(each, r.File) and each.path.endswith("network.batch")
    )
    assert "addr add" not in "".join(line for line in str(boot.content).splitlines() for card in cards if card in line)


def test_a_card_with_a_vlan_is_plugged_in_by_its_vlan() -> None:
    loaded = example("article", ("mtu: 1550}", "mtu: 1550, vlan: 20}"))
    design = compile_site(loaded, {}, RELEASE)
    bridge = tunnels(design, "network")
    assert bridge.cards == ("ovl0.20",)
    (rules,) = (each for each in of(design, "network", "openvswitch") if isinstance(each, r.OvsFlows))
    assert any("in_port=ovl0.20" in rule for rule in rules.flows)


@WHERE
def test_rules_let_vxlan_and_arp_of_peers_pass_and_nothing_else(flavour: str, node: str) -> None:
    design = designed(flavour)
    (rules,) = (each for each in of(design, node, "openvswitch") if isinstance(each, r.OvsFlows))
    own = str(design.plan.address(node, "overlay"))
    peers = str(design.site.networks["overlay"].cidr)
    passing = [rule for rule in rules.flows if not rule.endswith("actions=drop")]
    assert rules.flows[-1] == "priority=0,actions=drop"
    assert len(passing) == 4
    for rule in passing:
        assert re.search(r"udp.*tp_dst=4789|arp", rule)
        ends = set(re.findall(r"(?:nw_src|nw_dst|arp_spa|arp_tpa)=([0-9./]+)", rule))
        assert ends == {own, peers}, rule
    bridge = tunnels(design, node)
    assert (bridge.fail_mode, bridge.others, bridge.controlled) == ("secure", (), False)


@pytest.mark.parametrize("kernel", [True, False])
def test_the_datapath_follows_the_facts(kernel: bool) -> None:
    loaded = example()
    facts = dict.fromkeys(loaded.site.nodes, NodeFacts(ovs_kernel=kernel))
    design = compile_site(loaded, facts, RELEASE)
    wanted = "system" if kernel else "netdev"
    for node in ("network", "compute1"):
        made = [each for each in of(design, node, "openvswitch") if isinstance(each, r.OvsBridge)]
        assert {each.datapath for each in made} == {wanted}
        assert settings(design, node, "neutron-ovs-agent")["OVS.datapath_type"] == wanted


@WHERE
def test_the_agent_is_told_of_the_bridges_that_are_there_and_no_others(flavour: str, node: str) -> None:
    design = designed(flavour)
    told = settings(design, node, "neutron-ovs-agent")
    mappings = dict(each.split(":") for each in told["OVS.bridge_mappings"].split(","))
    assert mappings == bridges.physical(design.site, node)
    assert "br-overlay" not in mappings.values()
    assert told["OVS.local_ip"] == str(design.plan.address(node, "overlay"))


@WHERE
def test_agents_run_as_accounts_of_their_own_without_capabilities(flavour: str, node: str) -> None:
    design = designed(flavour)
    here = [each for each in (*AGENTS, "nova-metadata") if each in design.components_of(node)]
    assert here
    for name in here:
        text = service(design, node, name)
        assert f"\nUser={name}\n" in text
        for line in ("NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes"):
            assert f"\n{line}\n" in text, (name, line)
        assert "AmbientCapabilities" not in text


@WHERE
def test_helpers_that_make_namespaces_make_them_for_everybody(flavour: str, node: str) -> None:
    """A unit with a mount namespace of its own would keep what it mounts on /run/netns to itself."""
    own = ("Protect", "Private", "ReadOnlyPaths", "ReadWritePaths", "InaccessiblePaths", "TemporaryFileSystem")
    design = designed(flavour)
    helpers = [
        each
        for each in design.specs[node].resources
        if isinstance(each, r.Unit)
        and (each.unit == "wallcloud-neutron-privsep.service" or each.unit.startswith("wallcloud-root-"))
        and each.unit.endswith(".service")
    ]
    assert len(helpers) == (3 if "neutron-l3-agent" in design.components_of(node) else 1)
    for helper in helpers:
        assert not [line for line in helper.text.splitlines() if line.startswith(own)], helper.unit
        assert "CapabilityBoundingSet=CAP_" in helper.text
        assert "CAP_SYS_MODULE" not in helper.text


@WHERE
def test_helpers_are_for_the_agents_of_this_node_and_for_nobody_else(flavour: str, node: str) -> None:
    design = designed(flavour)
    (unit,) = (each for each in of(design, node, "neutron-privsep") if each.name == "wallcloud-neutron-privsep.service")
    assert isinstance(unit, r.Unit)
    start = next(line for line in unit.text.splitlines() if line.startswith("ExecStart="))
    served = {int(each.partition("=")[0]) for each in start.split()[4:]}
    catalog = components()
    here = [each for each in AGENTS[:3] if each in design.components_of(node)]
    assert served == {catalog[each].account.uid for each in here}
    for each in here:
        told = settings(design, node, each)
        assert told["privsep.helper_command"].endswith("/run/wallcloud/neutron-privsep.sock")
        assert "CAP_SYS_MODULE" not in told["privsep.capabilities"]
        assert told["privsep_conntrack.capabilities"] == "CAP_NET_ADMIN"


def test_programs_in_namespaces_outlive_their_agent() -> None:
    for name in ("neutron-l3-agent", "neutron-dhcp-agent"):
        (helper,) = (
            each
            for each in of(designed(), "network", name)
            if isinstance(each, r.Unit) and each.unit == f"wallcloud-root-{name}@.service"
        )
        assert "\nKillMode=process\n" in helper.text
        # The agent reads haproxy's pid file.
        assert "\nUMask=0022\n" in helper.text


def test_resolvers_of_the_site_or_none_at_all() -> None:
    with_one = designed()
    assert settings(with_one, "network", "neutron-dhcp-agent")["DEFAULT.dnsmasq_dns_servers"] == "198.18.30.1"
    without = compile_site(example("article", ("dns: {resolvers: [198.18.30.1]}", "dns: {}")), {}, RELEASE)
    assert settings(without, "network", "neutron-dhcp-agent")["DEFAULT.dnsmasq_dns_servers"] == ""
    for design, wanted in ((with_one, False), (without, True)):
        (file,) = (
            each for each in of(design, "network", "neutron-dhcp-agent") if each.name.endswith("dnsmasq.options")
        )
        assert isinstance(file, r.File)
        assert ("dhcp-option=option:dns-server\n" in str(file.content)) == wanted


def test_who_has_the_secret_of_metadata() -> None:
    design = designed()
    having = {
        (node, each.component)
        for node, spec in design.specs.items()
        for each in spec.resources
        if Secret("metadata-proxy") in set(holes(each))
    }
    assert having == {("network", "nova-metadata"), ("network", "neutron-metadata-agent")}


def test_nova_metadata_knows_one_database_and_no_bus() -> None:
    told = settings(designed(), "network", "nova-metadata")
    assert told["api.local_metadata_per_cell"] == "true"
    assert not [each for each in told if each.startswith("api_database.") or each == "DEFAULT.transport_url"]
    assert "ssl_key=/etc/wallcloud/tls/nova-metadata.key" in told["database.connection"]
    assert components()["nova-metadata"].uses == ("nova",)


def test_agents_wait_for_the_server_and_proxies_have_an_account_of_their_own() -> None:
    design = designed()
    for name in AGENTS:
        (unit,) = (each for each in of(design, "network", name) if each.name == f"wallcloud-{name}.service")
        assert "neutron-rpc@control ready" in unit.awaits
    accounts = {each.account for each in design.specs["network"].resources if isinstance(each, r.Account)}
    assert neutron_agent.PROXY.name in accounts
    assert settings(design, "network", "neutron-l3-agent")["DEFAULT.metadata_proxy_user"] == neutron_agent.PROXY.name


@pytest.mark.parametrize(
    ("said", "listed"),
    [
        ("priority=0,actions=drop", " priority=0 actions=drop"),
        (
            "priority=9,arp,in_port=LOCAL,arp_spa=1.2.3.4,actions=output:eth0",
            ' cookie=0x0, priority=9,arp,in_port=LOCAL,arp_spa=1.2.3.4 actions=output:"eth0"',
        ),
        ("udp,in_port=eth0,tp_dst=4789,actions=LOCAL", " udp,in_port=eth0,tp_dst=4789 actions=LOCAL"),
        ("actions=NORMAL", " table=0, priority=32768 actions=NORMAL"),
    ],
)
def test_rules_are_the_same_however_they_are_written(said: str, listed: str) -> None:
    assert normal(said) == normal(listed)


@pytest.mark.parametrize(
    "other",
    [
        "priority=8,udp,in_port=a,tp_dst=1,actions=LOCAL",
        "priority=9,tcp,in_port=a,tp_dst=1,actions=LOCAL",
        "priority=9,udp,in_port=b,tp_dst=1,actions=LOCAL",
        "priority=9,udp,in_port=a,actions=LOCAL",
        "priority=9,udp,in_port=a,tp_dst=1,actions=drop",
        "table=1,priority=9,udp,in_port=a,tp_dst=1,actions=LOCAL",
        "priority=9,udp,in_port=a,tp_dst=1,ct_state=+trk,actions=LOCAL",
    ],
)
def test_rules_that_differ_are_not_the_same(other: str) -> None:
    assert normal("priority=9,udp,in_port=a,tp_dst=1,actions=LOCAL") != normal(other)
