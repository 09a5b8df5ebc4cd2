"""Flows, from a few hand-made components."""

import pytest
from tests.design.world import (
    API,
    COMPUTE,
    CONTROL,
    EXCEPTION,
    NETWORK,
    catalog,
    component,
    designed,
    example,
    flows_of,
    listen,
)

from wallcloud.catalog.component import ROOT, Call, Component, Listen, Outside, OutsideService, Visit
from wallcloud.design.compile import place
from wallcloud.design.flows import Flow, FlowError, Transport
from wallcloud.site.model import Kind


def said(flows: tuple[Flow, ...]) -> list[str]:
    return [f"{flow.client} > {flow.server} {flow.where} {flow.network or flow.transport}" for flow in flows]


def need(**more: object) -> OutsideService:
    fields = {"who": Outside.TIME_SERVERS, "network": Kind.MANAGEMENT, "protocol": "udp", "port": 123, "why": "time"}
    return OutsideService(**{**fields, "authentication": "NTS", "encryption": "NTS", **more})  # type: ignore[arg-type]


def test_placement_is_by_role() -> None:
    site = example().site
    known = catalog([component("a"), component("b", roles=(NETWORK, COMPUTE)), component("c", roles=())])
    assert place(site, known) == {"a": ("control",), "b": ("network", "compute1", "compute2")}


def test_a_combined_host_has_a_component_of_both_roles_once() -> None:
    site = example("combined").site
    assert place(site, catalog([component("b", roles=(NETWORK, COMPUTE))])) == {"b": ("host1", "host2")}


def test_over_the_network() -> None:
    server = component("server", listens=(listen(port=8080),))
    client = component("client", 651, roles=(COMPUTE,), calls=(Call("server", "api", "it must"),))
    flows = flows_of(server, client)
    assert said(flows) == [
        "client @ compute1 > server @ control tcp/8080 management",
        "client @ compute2 > server @ control tcp/8080 management",
    ]
    flow = flows[0]
    assert flow.transport is Transport.NETWORK
    assert (flow.client.prefixes, flow.server.prefixes) == (("198.18.10.14",), ("198.18.10.11",))
    assert (flow.client.account, flow.server.account) == (client.account, server.account)
    assert (flow.authentication, flow.encryption, flow.why, flow.path) == ("TLS", "TLS", "it must", None)


def test_a_unix_socket_needs_no_network_and_no_port() -> None:
    server = component("server", listens=(listen(network=None, port=None, path="/run/x.sock"),))
    flows = flows_of(server, component("client", calls=(Call("server", "api", "x", same_node=True),)))
    assert said(flows) == ["client @ control > server @ control /run/x.sock unix socket"]
    assert flows[0].client.prefixes == flows[0].server.prefixes == ()


def test_loopback() -> None:
    server = component("server", listens=(listen(network=None, port=25),))
    flows = flows_of(server, component("client", calls=(Call("server", "api", "x"),)))
    assert said(flows) == ["client @ control > server @ control tcp/25 loopback"]
    assert flows[0].client.prefixes == flows[0].server.prefixes == ("127.0.0.1",)


def test_what_stays_on_a_node_reaches_no_other() -> None:
    server = component("server", roles=(NETWORK, COMPUTE), listens=(listen(network=None, port=25),))
    client = component("client", roles=(CONTROL, COMPUTE), calls=(Call("server", "api", "x"),))
    assert said(flows_of(server, client)) == [
        f"client @ {node} > server @ {node} tcp/25 loopback" for node in ("compute1", "compute2")
    ]


def test_same_node_keeps_a_call_to_a_network_listener_within() -> None:
    server = component("server", roles=(API, COMPUTE), listens=(listen(),))
    client = component("client", roles=(COMPUTE,), calls=(Call("server", "api", "x", same_node=True),))
    assert said(flows_of(server, client)) == [
        f"client @ {node} > server @ {node} tcp/80 management" for node in ("compute1", "compute2")
    ]


def test_over_the_network_every_server_is_called_also_one_on_the_same_node() -> None:
    server = component("server", roles=(API, COMPUTE), listens=(listen(),))
    client = component("client", roles=(API,), calls=(Call("server", "api", "x"),))
    assert [flow.server.node for flow in flows_of(server, client)] == ["api", "compute1", "compute2"]


def test_a_component_is_no_peer_of_itself() -> None:
    peer = component("peer", roles=(NETWORK, COMPUTE), listens=(listen(),), calls=(Call("peer", "api", "x"),))
    assert {(flow.client.node, flow.server.node) for flow in flows_of(peer)} == {
        (one, other)
        for one in ("network", "compute1", "compute2")
        for other in ("network", "compute1", "compute2")
        if one != other
    }


def test_a_listener_of_some_roles_is_there_only() -> None:
    clock = component(
        "clock", roles=(CONTROL, API), listens=(listen(roles=(CONTROL,)),), calls=(Call("clock", "api", "x"),)
    )
    assert said(flows_of(clock)) == ["clock @ api > clock @ control tcp/80 management"]


def test_another_account_may_call() -> None:
    server = component("server", listens=(listen(network=None, port=25),))
    client = component("client", calls=(Call("server", "api", "x", account=ROOT),))
    assert [flow.client.account for flow in flows_of(server, client)] == [ROOT]


def test_visits_of_admins_come_from_their_prefixes_and_tenants_from_anywhere() -> None:
    visits = (Visit(Outside.ADMINS, "api", "a"), Visit(Outside.TENANTS, "api", "t"))
    flows = flows_of(component("door", listens=(listen(),), visits=visits))
    assert said(flows) == ["admins > door @ control tcp/80 management", "tenants > door @ control tcp/80 management"]
    assert [flow.client.prefixes for flow in flows] == [("198.18.1.0/24",), ()]


def test_needs() -> None:
    flows = flows_of(component("clock", roles=(CONTROL, API), needs=(need(roles=(CONTROL,)),)))
    assert said(flows) == ["clock @ control > time servers udp/123 management"]
    assert flows[0].server.prefixes == ("198.18.10.1",)


PLAIN = [("TLS", ""), ("", "TLS"), ("", ""), ("TLS", "none"), ("none: whoever", "TLS"), ("none", "none: no secret")]


@pytest.mark.parametrize(("authentication", "encryption"), PLAIN)
@pytest.mark.parametrize("network", [Kind.MANAGEMENT, None])
def test_a_flow_without_protection_is_refused(authentication: str, encryption: str, network: Kind | None) -> None:
    door = Listen("api", network, 80, authentication=authentication, encryption=encryption)
    components = (
        component("server", listens=(door,)),
        component("client", roles=(CONTROL,), calls=(Call("server", "api", "x"),)),
    )
    with pytest.raises(FlowError, match=r"^client @ control → server @ control tcp/80 has no protection and is no "):
        flows_of(*components)


def test_unless_it_is_a_named_exception() -> None:
    door = Listen("api", Kind.MANAGEMENT, 80, exemption=EXCEPTION)
    client = component("client", roles=(API,), calls=(Call("server", "api", "x"),))
    assert [flow.exemption for flow in flows_of(component("server", listens=(door,)), client)] == [EXCEPTION]


def test_outside_flows_need_protection_too() -> None:
    with pytest.raises(FlowError, match="clock @ control → time servers udp/123 has no protection"):
        flows_of(component("clock", needs=(need(encryption=""),)))
    with pytest.raises(FlowError, match="admins → door @ control tcp/80 has no protection"):
        door = Listen("api", Kind.MANAGEMENT, 80)
        flows_of(component("door", listens=(door,), visits=(Visit(Outside.ADMINS, "api", "a"),)))


def test_unix_sockets_are_protected_by_the_kernel() -> None:
    server = component("server", listens=(Listen("api", None, path="/run/x.sock"),))
    assert flows_of(server, component("client", calls=(Call("server", "api", "x"),)))


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (component("c", calls=(Call("absent", "api", "x"),)), "c calls absent, which is not in the catalog"),
        (component("c", calls=(Call(Outside.ADMINS, "api", "x"),)), "c calls admins: declare it in needs"),
        (component("c", calls=(Call("c", "api", "x"),)), "c calls api of c, which has no such listener"),
        (
            component("c", listens=(listen(network=None),), visits=(Visit(Outside.ADMINS, "api", "x"),)),
            "c: nobody outside reaches api on the node itself",
        ),
        (
            component("c", listens=(listen(network=Kind.PUBLIC),), visits=(Visit(Outside.ADMINS, "api", "x"),)),
            "c @ control has no address on public",
        ),
        (component("c", needs=(need(network=Kind.PUBLIC),)), "c @ control has no address on public"),
        (component("c", needs=(need(who=Outside.TENANTS),)), "c needs tenants, whose addresses the site does not say"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_of_a_catalog(made: Component, what: str) -> None:
    with pytest.raises(FlowError) as raised:
        flows_of(made)
    assert str(raised.value) == what


def test_a_call_without_a_common_network() -> None:
    server = component("server", roles=(API,), listens=(listen(network=Kind.PUBLIC),))
    client = component("client", calls=(Call("server", "api", "x"),))
    with pytest.raises(FlowError, match="client @ control → server @ api: no address on public"):
        flows_of(server, client)


@pytest.mark.parametrize("flavour", ["article", "combined"])
def test_every_flow_of_the_examples(flavour: str) -> None:
    design = designed(flavour)
    for flow in design.flows:
        assert flow.why, flow
        assert flow.transport is Transport.UNIX or (flow.authentication and flow.encryption), flow
        assert (flow.path is None) != (flow.transport is Transport.UNIX), flow
        if flow.transport is Transport.NETWORK:
            assert flow.network is not None
            # A function rides on its own kind of network: nothing of the design's on floating or flat ones.
            assert design.site.networks[flow.network].kind.addressed
        for end in (flow.client, flow.server):
            if end.node:
                assert end.account is not None
                assert end.who in design.components_of(end.node)


def test_tenants_reach_the_api_node_only() -> None:
    for flavour in ("article", "combined"):
        design = designed(flavour)
        met = {(flow.server.node, flow.network) for flow in design.flows if flow.client.who == Outside.TENANTS}
        assert met == {("api", "public")}


def test_named_exceptions_are_the_only_ones() -> None:
    found = {flow.exemption.name for flow in designed().flows if flow.exemption}
    assert found == {"ping", "time", "time-source", "vxlan-plaintext"}
