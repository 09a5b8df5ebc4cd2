"""The firewall of every node: golden texts; and read independently: a packet passes if and only if a flow says so."""

import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.design import walls
from tests.design.goldens import golden
from tests.design.walls import Packet
from tests.design.world import API, CONTROL, EXAMPLES, component, designed, example, flows_of, listen

from wallcloud.catalog import components
from wallcloud.catalog.component import KERNEL, ROOT, Account, Call, Outside, Visit
from wallcloud.catalog.firewall import LEAST, RULES, UNIT
from wallcloud.design import firewall
from wallcloud.design.compile import Design
from wallcloud.design.flows import Flow, Transport
from wallcloud.node.resources import File, Ruleset

FOLDER = Path(__file__).parent / "golden"
NODES = [(flavour, node) for flavour in EXAMPLES for node in designed(flavour).site.nodes]
STRANGERS = ("203.0.113.9", "198.18.1.7", "198.18.2.7", "198.18.10.1", "198.18.10.250")


def text_of(design: Design, node: str) -> str:
    (found,) = (each for each in design.specs[node].resources if isinstance(each, Ruleset))
    return found.text


def packets(flow: Flow, design: Design) -> tuple[Packet | None, Packet | None]:
    """The first packet of a flow as its client's node sends it, and as its server's node gets it."""
    assert flow.network is not None or flow.transport is Transport.LOOPBACK
    source = flow.client.prefixes[0] if flow.client.prefixes else STRANGERS[0]
    target = str(IPv4Network(flow.server.prefixes[0])[0])
    packet = Packet("", str(IPv4Network(source)[0]), target, flow.protocol, flow.port)
    local = flow.client.node == flow.server.node
    leaves = enters = None
    if flow.client.node and flow.client.account:
        device = "lo" if local else firewall.nic(design.site, flow.client.node, str(flow.network))
        leaves = replace(packet, interface=device, uid=flow.client.account.uid)
    if flow.server.node and not local:
        enters = replace(packet, interface=firewall.nic(design.site, flow.server.node, str(flow.network)))
    return leaves, enters


def carried(design: Design) -> list[Flow]:
    return [flow for flow in design.flows if flow.transport is not Transport.UNIX]


@pytest.mark.parametrize(("flavour", "node"), NODES)
def test_text(flavour: str, node: str) -> None:
    golden(FOLDER / f"firewall-{flavour}-{node}.nft", text_of(designed(flavour), node))


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_every_flow_passes_by_exactly_one_rule_on_each_side(flavour: str) -> None:
    design = designed(flavour)
    read = {node: walls.read(text_of(design, node)) for node in design.site.nodes}
    for flow in carried(design):
        leaves, enters = packets(flow, design)
        if leaves:
            rules = read[str(flow.client.node)].output
            assert sum(rule.accepts(leaves) for rule in rules) == 1, flow
        if enters:
            rules = read[str(flow.server.node)].input
            assert sum(rule.accepts(enters) for rule in rules) == 1, flow
        assert leaves or enters


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_every_rule_is_there_for_a_flow(flavour: str) -> None:
    design = designed(flavour)
    sent = [(flow, *packets(flow, design)) for flow in carried(design)]
    for node in design.site.nodes:
        wall = walls.read(text_of(design, node))
        for rule in wall.output:
            assert any(flow.client.node == node and leaves and rule.accepts(leaves) for flow, leaves, _ in sent), rule
        for rule in wall.input:
            assert any(flow.server.node == node and enters and rule.accepts(enters) for flow, _, enters in sent), rule


@pytest.mark.parametrize(("flavour", "node"), NODES)
def test_nothing_else_leaves(flavour: str, node: str) -> None:
    """All interfaces, addresses, ports and accounts that there are, and some that are not, against the flows."""
    design = designed(flavour)
    rules = walls.read(text_of(design, node)).output
    allowed = set()
    everywhere = {str(address) for _, address in design.plan.items()} | {*STRANGERS, "127.0.0.1"}
    for flow in carried(design):
        leaves, _ = packets(flow, design)
        if flow.client.node == node and leaves:
            uids = walls.ROOT_OR_NOBODY if leaves.uid == KERNEL.uid else {leaves.uid}
            networks = [IPv4Network(prefix) for prefix in flow.server.prefixes]
            targets = {each for each in everywhere if any(IPv4Address(each) in network for network in networks)}
            allowed |= {(leaves.interface, target, *_port(leaves), uid) for target in targets for uid in uids}
    for interface, target, protocol, port, uid in _universe(design, node):
        packet = Packet(interface, "198.18.10.11", target, protocol, port, uid)
        passes = any(rule.accepts(packet) for rule in rules)
        assert passes == ((interface, target, protocol, port, uid) in allowed), packet


@pytest.mark.parametrize(("flavour", "node"), NODES)
def test_nothing_else_enters(flavour: str, node: str) -> None:
    design = designed(flavour)
    rules = walls.read(text_of(design, node)).input
    own = {str(address) for (name, _), address in design.plan.items() if name == node}
    flows = [flow for flow in carried(design) if flow.server.node == node and flow.client.node != node]
    for interface, source, protocol, port, _ in _universe(design, node, uids=(-1,)):
        for target in sorted(own):
            packet = Packet(interface, source, target, protocol, port)
            passes = any(rule.accepts(packet) for rule in rules)
            assert passes == any(_allows(flow, design, packet) for flow in flows), packet


def _allows(flow: Flow, design: Design, packet: Packet) -> bool:
    _, enters = packets(flow, design)
    clients = [IPv4Network(prefix) for prefix in flow.client.prefixes]
    return (
        enters is not None
        and (enters.interface, enters.target, *_port(enters)) == (packet.interface, packet.target, *_port(packet))
        and (not clients or any(IPv4Address(packet.source) in client for client in clients))
    )


def _port(packet: Packet) -> tuple[str, int | None]:
    return packet.protocol, packet.port


def _universe(design: Design, node: str, uids: tuple[int, ...] = ()) -> list[tuple[str, str, str, int | None, int]]:
    interfaces = ["lo", *(firewall.nic(design.site, node, name) for name in design.site.nodes[node].interfaces)]
    addresses = ["127.0.0.1", *STRANGERS, *(str(address) for _, address in design.plan.items())]
    ports = sorted({(flow.protocol, flow.port or 0) for flow in carried(design)} | {("tcp", 9999), ("udp", 53)})
    accounts = uids or tuple({-1, 0, 1000, 65534, *(each.account.uid for each in design.catalog.values())})
    return [
        (interface, address, protocol, port or None, uid)
        for interface in interfaces
        for address in dict.fromkeys(addresses)
        for protocol, port in ports
        for uid in accounts
    ]


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_the_file_for_the_boot_loads_the_same_ruleset_in_one_step(flavour: str) -> None:
    design = designed(flavour)
    for node, spec in design.specs.items():
        (file,) = (r for r in spec.resources if isinstance(r, File) and r.path == "/etc/wallcloud/firewall.nft")
        assert file.content == f"table inet wallcloud\ndelete table inet wallcloud\n{text_of(design, node)}"


def test_a_tagged_network_is_met_on_its_vlan() -> None:
    loaded = example("article", ("management, cidr: 198.18.10.0/24,", "management, vlan: 7, cidr: 198.18.10.0/24,"))
    door = component("door", listens=(listen(),), visits=(Visit(Outside.ADMINS, "api", "x"),))
    text = firewall.ruleset(loaded.site, "control", flows_of(door, site=loaded.site))
    assert [rule.interface for rule in walls.read(text).input] == ["mgmt0.7"]


def test_a_call_on_the_own_node_leaves_by_loopback_and_needs_no_input_rule() -> None:
    door = component(
        "door", listens=(listen(),), calls=(Call("door", "api", "is it there?", account=ROOT, same_node=True),)
    )
    wall = walls.read(firewall.ruleset(example().site, "control", flows_of(door)))
    assert wall.input == ()
    assert [(rule.interface, str(rule.targets[0]), rule.uids) for rule in wall.output] == [
        ("lo", "198.18.10.11/32", frozenset({0}))
    ]


def test_clients_of_one_listener_share_a_rule_and_overlaps_are_left_out() -> None:
    """nft refuses a set whose members overlap: who may come from anywhere need not be named beside it."""
    door = component(
        "door",
        roles=(API,),
        listens=(listen(),),
        visits=(Visit(Outside.ADMINS, "api", "a"), Visit(Outside.TENANTS, "api", "t")),
    )
    client = component("client", 651, roles=(CONTROL,), calls=(Call("door", "api", "x"),))
    text = firewall.ruleset(example().site, "api", flows_of(door, client))
    assert 'iifname "mgmt0" ip saddr 0.0.0.0/0 ip daddr 198.18.10.12 tcp dport 80 ct state new accept' in text


@given(st.sets(st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([0, 4, 8, 16, 24, 31, 32])), min_size=1))
def test_sets_hold_the_same_addresses_without_overlap(found: set[tuple[int, int]]) -> None:
    wanted = {IPv4Network((number, length), strict=False) for number, length in found}
    listed = [IPv4Network(each) for each in firewall._set({str(each) for each in wanted}).strip("{ }").split(", ")]
    assert all(any(each.subnet_of(other) for other in listed) for each in wanted)
    assert set(listed) <= wanted
    assert not any(one.overlaps(other) for one in listed for other in listed if one is not other)


def test_every_account_of_the_catalog_has_a_number_of_its_own() -> None:
    found: dict[int, Account] = {}
    for each in components().values():
        schemas = (database.schema_account for database in each.databases)
        for account in (each.account, *each.accounts, *schemas):
            assert found.setdefault(account.uid, account) == account, f"two accounts have the number {account.uid}"
            assert 0 <= account.uid < 1000
            assert account.foreign or 600 <= account.uid < 700, account
    assert len({account.name for account in found.values()}) == len(found)


@pytest.mark.root
@pytest.mark.parametrize(("flavour", "node"), NODES)
def test_nft_understands_it(flavour: str, node: str) -> None:
    """In a network namespace of its own, so that nothing of this computer changes."""
    argv = ["unshare", "--net", "nft", "--check", "--file", "-"]
    done = subprocess.run(argv, input=text_of(designed(flavour), node), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_stands_where_the_rules_cannot_be_loaded() -> None:
    """Admins come in by SSH, and nobody else does anything: nft takes it, and the unit falls back to it."""
    design = designed()
    files = {each.path: each.content for each in design.specs["control"].resources if isinstance(each, File)}
    assert files[LEAST] == (
        "table inet wallcloud\ndelete table inet wallcloud\ntable inet wallcloud {\n"
        "\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n"
        "\t\tct state established accept\n"
        '\t\tiifname "mgmt0" ip saddr { 198.18.1.0/24 } ip daddr 198.18.10.11 tcp dport 22 accept\n\t}\n'
        "\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n"
        "\t\tct state established accept\n\t}\n"
        "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n"
    )
    assert f"nft -f {RULES} || {{ /usr/sbin/nft -f {LEAST}; exit 1; }}" in UNIT


@pytest.mark.root
@pytest.mark.parametrize("broken", [False, True])
def test_the_unit_s_command_leaves_no_node_open(tmp_path: Path, broken: bool) -> None:
    """Run for real in a network namespace: rules that nft refuses leave the least table, and the command fails."""
    design = designed()
    files = {each.path: str(each.content) for each in design.specs["control"].resources if isinstance(each, File)}
    (line,) = (each for each in UNIT.splitlines() if each.startswith("ExecStart="))
    command = line.removeprefix("ExecStart=/bin/sh -c ").strip("'")
    for path in (RULES, LEAST):
        spoilt = broken and path == RULES
        (tmp_path / Path(path).name).write_text(files[path][: len(files[path]) // 2] if spoilt else files[path])
        command = command.replace(path, str(tmp_path / Path(path).name))
    script = f"({command}) 2>/dev/null; echo rc=$?; nft list ruleset"
    told = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.startswith("rc=1\n" if broken else "rc=0\n")
    assert told.count("policy drop;") == 3
    assert ("dport 3306" in told) == (not broken)
