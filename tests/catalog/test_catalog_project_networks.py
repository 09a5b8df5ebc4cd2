"""The admin-only site and what is made for its projects, as resources."""

from tests.design.world import RELEASE, designed, example

from wallcloud.design.compile import compile_site
from wallcloud.node import resources as r
from wallcloud.site.model import Kind, Role

FLAVOUR = "admin-only"


def made(flavour: str = FLAVOUR) -> tuple[object, ...]:
    return designed(flavour).specs["control"].resources


def test_tenants_have_no_door() -> None:
    design = designed(FLAVOUR)
    assert not design.site.nodes_with(Role.API) and not design.site.networks_of(Kind.PUBLIC)
    assert "public-door" not in design.placed
    assert {each.interface for each in made() if isinstance(each, r.IdentityEndpoint)} == {"admin", "internal"}
    doors = [flow for flow in design.flows if flow.server.who == "management-door"]
    assert doors and {flow.port for flow in doors if flow.network} == {443}, "not the port of the public door's proxy"
    assert all("tenants" not in flow.client.who for flow in design.flows)


def test_each_network_has_its_subnet_and_way_out() -> None:
    networks = {each.network: each.project for each in made() if isinstance(each, r.CloudProjectNetwork)}
    assert networks == {"sales": "sales", "workshop": "workshop", "machines": "workshop"}
    subnets = {each.subnet: each for each in made() if isinstance(each, r.CloudSubnet) and each.subnet in networks}
    assert {name: (it.gateway, it.first, it.last, it.dns, it.dhcp) for name, it in subnets.items()} == {
        "sales": ("198.18.61.1", "198.18.61.2", "198.18.61.254", ("198.18.41.1",), True),
        "workshop": ("198.18.62.1", "198.18.62.2", "198.18.62.254", ("198.18.41.1",), True),
        "machines": (None, "198.18.63.2", "198.18.63.254", (), True),
    }
    routers = [each for each in made() if isinstance(each, r.CloudRouter)]
    assert [(it.router, it.networks, it.gateway, it.address, it.snat) for it in routers] == [
        ("sales", ("sales",), "floating-a", "198.18.41.2", False),
        ("workshop", ("workshop",), "floating-b", "", True),
    ]


def test_their_order() -> None:
    """What leaves a network goes before its subnet changes, and what a network needs comes before it."""
    kinds = [type(each) for each in made()]
    for first, then in (
        (r.CloudNetwork, r.ExclusiveCloudRouters),
        (r.ExclusiveCloudRouters, r.CloudOwnLimits),
        (r.CloudOwnLimits, r.CloudProjectNetwork),
        (r.CloudProjectNetwork, r.CloudRouter),
    ):
        assert kinds.index(first) < kinds.index(then)
    last = max(index for index, kind in enumerate(kinds) if kind in (r.CloudRouter, r.CloudProjectNetwork))
    assert last < kinds.index(r.ExclusiveCloudNetworks)
    project = max(index for index, kind in enumerate(kinds) if kind is r.IdentityProject)
    assert project < kinds.index(r.CloudProjectNetwork)


def test_other_flavours_may_have_them_too() -> None:
    kinds = [type(each) for each in made("article")]
    assert r.CloudProjectNetwork not in kinds and r.CloudOwnLimits not in kinds
    assert kinds.count(r.ExclusiveCloudRouters) == 1, "what the site named before leaves"
    network = "{user: demo, networks: {web: {cidr: 198.18.61.0/24, router: floating-b}}}"
    changed = compile_site(example("article", ("  demo: {user: demo}", f"  demo: {network}")), {}, RELEASE)
    (router,) = (each for each in changed.specs["control"].resources if isinstance(each, r.CloudRouter))
    assert (router.name, router.gateway, router.snat) == ("web", "floating-b", True)
