"""Order on one node, and waiting between nodes: circles and milestones that nobody publishes."""

import pytest
from tests.design.world import API, COMPUTE, CONTROL, EXAMPLES, catalog, component, designed, example, listen

from wallcloud.catalog.component import Call
from wallcloud.design.compile import _awaits, place
from wallcloud.design.flows import Servers
from wallcloud.design.order import OrderError, check_order, in_order
from wallcloud.node.resources import Directory
from wallcloud.node.spec import Spec


def calling(name: str, *servers: str, after: tuple[str, ...] = ()) -> object:
    calls = tuple(Call(server, "api", "x", same_node=True) for server in servers)
    return component(name, listens=(listen(),), calls=calls, after=after)


def ordered(*made: object) -> tuple[str, ...]:
    known = catalog(made)  # type: ignore[arg-type]
    return in_order(known, tuple(known))


def test_servers_come_before_their_clients() -> None:
    assert ordered(calling("a", "b"), calling("b", "c"), calling("c")) == ("c", "b", "a")


def test_without_calls_by_name_so_that_the_order_is_always_the_same() -> None:
    assert ordered(calling("c"), calling("a"), calling("b")) == ("a", "b", "c")
    assert ordered(calling("b"), calling("c"), calling("a")) == ("a", "b", "c")


def test_after_orders_where_no_call_does() -> None:
    assert ordered(calling("a", after=("b",)), calling("b")) == ("b", "a")


def test_what_is_not_on_the_node_does_not_order_it() -> None:
    assert ordered(calling("a", "elsewhere"), calling("b")) == ("a", "b")


def test_a_component_may_call_itself() -> None:
    assert ordered(calling("a", "a")) == ("a",)


def test_components_in_a_circle() -> None:
    with pytest.raises(OrderError) as raised:
        ordered(calling("a", "b"), calling("b", "c"), calling("c", "a"))
    circle = str(raised.value).removeprefix("components wait for each other: ").split(" → ")
    assert set(circle) == {"a", "b", "c"}
    assert circle[0] == circle[-1]


def spec(node: str, *resources: Directory) -> Spec:
    return Spec(node, "2026.2", resources)


def step(path: str, publishes: str = "", awaits: str = "") -> Directory:
    return Directory(path=path, publishes=(publishes,) if publishes else (), awaits=(awaits,) if awaits else ())


def check(*specs: Spec) -> None:
    check_order({each.node: each for each in specs})


def test_waiting_for_another_node_is_fine() -> None:
    check(spec("a", step("/1", publishes="x"), step("/2", awaits="y")), spec("b", step("/1", "y", "x")))


def test_two_nodes_that_wait_for_each_other() -> None:
    with pytest.raises(OrderError, match=r"^nodes wait for each other: .*a /1") as raised:
        check(
            spec("a", step("/0"), step("/1", awaits="y"), step("/2", publishes="x")),
            spec("b", step("/1", awaits="x"), step("/2", publishes="y")),
        )
    assert "b /1" in str(raised.value)


def test_a_milestone_later_on_the_same_node() -> None:
    with pytest.raises(OrderError, match="nodes wait for each other"):
        check(spec("a", step("/1", awaits="x"), step("/2", publishes="x")))


def test_a_milestone_that_nobody_publishes() -> None:
    with pytest.raises(OrderError, match=r"^a directory /1 awaits 'x', which nobody publishes$"):
        check(spec("a", step("/1", awaits="x")))


def test_a_milestone_that_two_publish() -> None:
    with pytest.raises(OrderError, match="two resources publish 'x'"):
        check(spec("a", step("/1", publishes="x")), spec("b", step("/1", publishes="x")))


def test_only_servers_on_other_nodes_are_awaited() -> None:
    """On its own node the order of the list is enough."""
    site = example().site
    server = component("server", roles=(API, COMPUTE), listens=(listen(), listen("local", None)))
    waits = (Call("server", "api", "x", waits=True), Call("server", "local", "x", waits=True))
    client = component("client", 651, roles=(API, CONTROL), calls=waits)
    known = catalog([server, client])
    servers = Servers(site, place(site, known), known)
    computes = ("server@compute1 ready", "server@compute2 ready")
    assert _awaits(client, "api", servers) == computes
    assert _awaits(client, "control", servers) == ("server@api ready", *computes)
    lazy = component("lazy", calls=(Call("server", "api", "x"),))
    assert _awaits(lazy, "control", servers) == ()


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_every_call_that_waits_has_its_milestone(flavour: str) -> None:
    """The api node's door waits for control's; a caller of the same node comes after its server instead."""
    design = designed(flavour)
    waited = {name for spec in design.specs.values() for resource in spec.resources for name in resource.awaits}
    if design.site.nodes_with(API):
        assert "management-door@control ready" in waited
    assert waited <= set(design.publishers())
    loose = {
        (name, call.to) for name, component in design.catalog.items() for call in component.calls if not call.orders
    }
    for node in design.site.nodes:
        names = design.components_of(node)
        for flow in design.flows:
            if (flow.client.who, flow.server.who) in loose:
                continue
            if flow.client.node == flow.server.node == node and flow.client.who != flow.server.who:
                assert names.index(flow.server.who) < names.index(flow.client.who), flow
