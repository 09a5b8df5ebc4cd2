"""The catalog's rules of separation: what each says of components that break it, and nothing of those we have."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.design.goldens import golden
from tests.design.world import API, COMPUTE, CONTROL, EXCEPTION, NETWORK, RELEASE, component, example, listen

from wallcloud.catalog import components
from wallcloud.catalog.component import (
    Account,
    Api,
    Call,
    Component,
    Exemption,
    Outside,
    OutsideService,
    Visit,
)
from wallcloud.design import compile as compiling
from wallcloud.design import separation
from wallcloud.design.separation import CatalogRule, catalog_rules, check_catalog
from wallcloud.design.separation.never_on_control import NEVER
from wallcloud.site.finding import SiteError
from wallcloud.site.model import Kind, Role

FOLDER = Path(__file__).parent / "golden/separation"
ADMINS, TENANTS = Outside.ADMINS, Outside.TENANTS


def with_role(name: str, *roles: Role) -> Component:
    """One of ours on other nodes than it should be."""
    return replace(components()[name], roles=roles)


def ntp(**more: object) -> OutsideService:
    fields = {"network": Kind.PUBLIC, "protocol": "udp", "port": 123, "why": "time", "authentication": "NTS"}
    return OutsideService(Outside.TIME_SERVERS, **{**fields, "encryption": "NTS", **more})  # type: ignore[arg-type]


def door(name: str, network: Kind | None, who: Outside, role: Role = API) -> Component:
    return component(
        name, roles=(role,), listens=(listen(network=network, port=444),), visits=(Visit(who, "api", "x"),)
    )


BROKEN: Mapping[str, tuple[Component, ...]] = {
    "accounts-apart": (
        replace(components()["placement"], account=Account("placement", components()["glance"].account.uid)),
        component("second", accounts=(Account("nova-compute", 699),)),
    ),
    "admins-on-management": (door("panel", Kind.PUBLIC, ADMINS), door("shell", None, ADMINS)),
    "apis-behind-doors": (
        component("heat", api=Api("heat", "orchestration", "heat", "/run/x"), listens=(listen(port=8004),)),
    ),
    "calls-on-management": (
        component("client", 690, roles=(NETWORK,), calls=(Call("public-door", "https", "as tenants do"),)),
        component(
            "gossip",
            691,
            roles=(COMPUTE,),
            listens=(listen(network=Kind.OVERLAY, port=7946),),
            calls=(Call("gossip", "api", "who is there", neighbours=True),),
        ),
    ),
    "data-on-control": (
        with_role("keystone", CONTROL, API),
        component("console-proxy", 690, roles=(API,), uses=("nova",), bus="nova"),
        component("cache", 691, roles=(COMPUTE,), keeps=("/var/lib/cache",)),
    ),
    "exceptions-named": (
        component("a", 690, listens=(listen(port=81, encryption="none", exemption=Exemption("a", "", " ")),)),
        component("b", 691, listens=(listen(port=82, exemption=EXCEPTION),)),
        component(
            "c", 692, needs=(ntp(network=Kind.MANAGEMENT, encryption="", exemption=Exemption("time", "x", "y")),)
        ),
    ),
    "listens-where-roles-stand": (
        component("proxy", 690, listens=(listen(network=Kind.PUBLIC),)),
        component("balancer", 691, roles=(NETWORK,), listens=(listen(network=Kind.FLOATING),)),
        component("clock", 692, roles=(CONTROL, API), needs=(ntp(),)),
    ),
    "never-on-control": (
        component("bind", 690, roles=(CONTROL,)),
        with_role("nova-metadata", CONTROL),
        with_role("neutron-l3-agent", CONTROL, NETWORK),
        component("ceilometer-central", 691),
    ),
    "ports-apart": (
        component("other", 690, listens=(listen(port=3306),)),
        component("third", 691, listens=(listen("s", None, None, path="/run/mysqld/mysqld.sock"),)),
        component("agent", 692, roles=(API, COMPUTE), listens=(listen(port=22),)),
    ),
    "tenants-at-api": (
        door("shop", Kind.MANAGEMENT, TENANTS),
        door("desk", Kind.PUBLIC, TENANTS, NETWORK),
        door("socket", None, TENANTS),
    ),
}


def said(rule: CatalogRule, made: tuple[Component, ...]) -> str:
    catalog = {**components(), **{each.name: each for each in made}}
    return "".join(f"{finding.render()}\n" for finding in check_catalog(catalog) if finding.id == rule.id)


@pytest.mark.parametrize("rule", catalog_rules(), ids=lambda rule: rule.id)
def test_each_rule_says(rule: CatalogRule) -> None:
    text = said(rule, BROKEN[rule.id])
    for each in BROKEN[rule.id]:
        assert f"catalog.{each.name}." in text
    golden(FOLDER / f"{rule.id}.txt", text)


@pytest.mark.parametrize("rule", catalog_rules(), ids=lambda rule: rule.id)
def test_every_rule_says_what_it_forbids_and_why(rule: CatalogRule) -> None:
    assert rule.forbids and rule.why and rule.mend


def test_rules_are_found_by_their_files() -> None:
    files = sorted(path.stem for path in Path(separation.__file__).parent.glob("*.py") if path.stem[0] != "_")
    assert [rule.id.replace("-", "_") for rule in catalog_rules()] == files


def test_our_components_break_none() -> None:
    assert check_catalog(components()) == ()


def test_names_of_what_never_runs_on_control_are_ours_or_still_to_come() -> None:
    to_come = {"bind", "ceilometer", "console-proxy", "haproxy", "horizon", "nova-spicehtml5proxy", "octavia-agent"}
    assert NEVER.keys() - components().keys() == to_come
    off_control = {name for name, it in components().items() if CONTROL not in it.roles}
    assert off_control - NEVER.keys() == {"memcached", "neutron-privsep"}


def test_a_site_does_not_compile_with_such_a_component(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "components", lambda: {**components(), "bind": component("bind")})
    with pytest.raises(SiteError) as raised:
        compiling.compile_site(example(), {}, RELEASE)
    assert [finding.id for finding in raised.value.findings] == ["never-on-control"]
