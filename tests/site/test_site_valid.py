"""Properties of valid sites: they load as written, break no rule, and every node gets an address of its own."""

import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wallcloud import rules
from wallcloud.site.addresses import FIRST_HOST, plan
from wallcloud.site.load import load_text
from wallcloud.site.model import Kind, Role, Site

Data = dict[str, Any]
BLOCKS = list(IPv4Network("10.0.0.0/8").subnets(new_prefix=20))
EXTERNAL = ("floating", "flat")


@st.composite
def networks(draw: st.DrawFn, kinds: list[str]) -> dict[str, Data]:
    """Networks in blocks of their own, some tagged, with gateways and pools where they belong."""
    blocks = draw(st.lists(st.sampled_from(BLOCKS[1:]), min_size=len(kinds), max_size=len(kinds), unique=True))
    vlans = draw(st.lists(st.integers(1, 4094), min_size=len(kinds), max_size=len(kinds), unique=True))
    tagged = draw(st.booleans())
    made: dict[str, Data] = {}
    for number, (kind, block, vlan) in enumerate(zip(kinds, blocks, vlans, strict=True)):
        cidr = next(block.subnets(new_prefix=draw(st.integers(20, 26))))
        network: Data = {"kind": kind, "cidr": str(cidr), "mtu": draw(st.integers(1550, 9216))}
        first, last = int(cidr.network_address) + 1, int(cidr.broadcast_address) - 1
        if kind != "overlay":
            # On a gateway in the way of the plan too: at the end, in the middle, at host 11.
            gateway = draw(st.sampled_from([first, last, first + FIRST_HOST - 1]))
            network["gateway"] = str(cidr.network_address + (gateway - first + 1))
        if kind in EXTERNAL:
            low = first + FIRST_HOST if network["gateway"] != str(cidr.broadcast_address - 1) else first
            high = last if network["gateway"] != str(cidr.broadcast_address - 1) else last - 1
            ends = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
            network["pool"] = "-".join(str(cidr.network_address + (end - first + 1)) for end in ends)
        if tagged:
            network["vlan"] = vlan
        made[f"{kind}-{number}"] = network
    return made


@st.composite
def sites(draw: st.DrawFn) -> Data:
    """Data of a site that breaks no rule: separate or combined nodes, with or without a public door."""
    has_api = draw(st.booleans())
    outside = draw(st.lists(st.sampled_from(EXTERNAL), max_size=4))
    kinds = ["management", "overlay", *(["public"] if has_api else []), *outside]
    nets = draw(networks(kinds))
    roles = [["control"], *([["api"]] if has_api else [])]
    if draw(st.booleans()):
        roles += [["network", "compute"]] * draw(st.integers(1, 6))
    else:
        roles += [["network"]] * draw(st.integers(1, 3)) + [["compute"]] * draw(st.integers(1, 6))
    stands = {
        "control": {"management"},
        "api": {"management", "public"},
        "network": {"management", "overlay", "floating", "flat"},
        "compute": {"management", "overlay", "flat"},
    }
    one_wire = all("vlan" in network for network in nets.values()) and draw(st.booleans())
    nodes: dict[str, Data] = {}
    for number, node_roles in enumerate(draw(st.permutations(roles))):
        kinds_here = set().union(*(stands[role] for role in node_roles))
        here = [name for name, network in nets.items() if network["kind"] in kinds_here]
        nodes[f"n{number}"] = {
            "roles": node_roles,
            "interfaces": {name: "bond0" if one_wire else f"eth{index}" for index, name in enumerate(here)},
        }
    management = next(name for name, network in nets.items() if network["kind"] == "management")
    gateway, cidr = nets[management]["gateway"], IPv4Network(nets[management]["cidr"])
    for name, host in zip(
        draw(st.lists(st.sampled_from(sorted(nodes)), unique=True)),
        draw(st.permutations([2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 15])),
        strict=False,
    ):
        nodes[name]["addresses"] = {management: str(cidr.network_address + host)}
    return {
        "wallcloud": 1,
        "name": draw(st.from_regex(r"[a-z][a-z0-9-]{0,14}", fullmatch=True)),
        "release": "2026.2",
        "domain": draw(st.from_regex(r"[a-z]{1,9}\.[a-z]{2,9}", fullmatch=True)),
        "admin_prefixes": [str(BLOCKS[0])],
        "time": {"servers": [gateway]},
        "networks": nets,
        "nodes": nodes,
        "projects": {"demo": {"user": "demo"}},
        "options": draw(
            st.dictionaries(
                st.sampled_from(["keystone", "nova"]),
                st.dictionaries(
                    st.sampled_from(["DEFAULT", "token"]),
                    st.dictionaries(
                        st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
                        st.one_of(st.booleans(), st.integers(-9, 9999), st.sampled_from(["a b", "yes", "1", "0640"])),
                        max_size=2,
                    ),
                ),
            )
        ),
    }


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sites())
def test_valid_sites_load_as_written_and_break_no_rule(data: Data) -> None:
    # JSON is YAML: what is loaded from text is what is validated from data.
    loaded = load_text(json.dumps(data, indent=1).encode(), Path("site.yaml"))
    assert loaded.site == Site.model_validate(data)
    assert rules.check(loaded.site, loaded.locations) == ()
    for path in (("networks",), ("nodes", next(iter(data["nodes"])), "roles", 0)):
        assert loaded.locations.at(path).line > 1
    assert Site.model_validate(loaded.site.model_dump(mode="json")) == loaded.site


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sites())
def test_every_node_has_one_free_address_where_it_stands(data: Data) -> None:
    site = Site.model_validate(data)
    addresses = plan(site)
    seen = [address for _, address in addresses.items()]
    assert len(seen) == len(set(seen))
    for name, node in site.nodes.items():
        for network_name in site.networks:
            network = site.networks[network_name]
            address = addresses.address(name, network_name)
            assert (address is not None) == (network_name in node.interfaces and network.kind.addressed)
            if address is None:
                assert addresses.interface(name, network_name) is None
                continue
            assert address in network.cidr
            assert address not in (network.cidr.network_address, network.cidr.broadcast_address, network.gateway)
            assert node.addresses.get(network_name, address) == address
            interface = addresses.interface(name, network_name)
            assert interface is not None and interface.network == network.cidr and interface.ip == address


@settings(max_examples=40, deadline=None, derandomize=True)
@given(sites(), st.data())
def test_separation_cannot_be_broken_unseen(data: Data, source: st.DataObject) -> None:
    """From any valid site, one node plugged into a network where its roles may not be is an error."""
    site = Site.model_validate(data)
    may = {
        Role.CONTROL: {Kind.MANAGEMENT},
        Role.API: {Kind.MANAGEMENT, Kind.PUBLIC},
        Role.NETWORK: {Kind.MANAGEMENT, Kind.OVERLAY, Kind.FLOATING, Kind.FLAT},
        Role.COMPUTE: {Kind.MANAGEMENT, Kind.OVERLAY, Kind.FLAT},
    }
    wrong = [
        (node, network)
        for node in site.nodes
        for network in site.networks
        if not any(site.networks[network].kind in may[role] for role in site.nodes[node].roles)
    ]
    node, network = source.draw(st.sampled_from(wrong))
    data["nodes"][node]["interfaces"][network] = "spare0"
    found = rules.check(Site.model_validate(data))
    path = ("nodes", node, "interfaces", network)
    assert [finding.path for finding in found if finding.severity == "error"] == [path]
