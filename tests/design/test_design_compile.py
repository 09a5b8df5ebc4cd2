"""compile: pure, deterministic, without secrets; a site that breaks a rule does not compile."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.design.world import EXAMPLES, RELEASE, component, designed, example, with_options

from wallcloud import catalog as catalog_package
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.tls import CA_HOLE
from wallcloud.design import compile as compiling
from wallcloud.design import flows
from wallcloud.design.compile import compile_site
from wallcloud.node import resources as r
from wallcloud.node.spec import from_json, to_json
from wallcloud.site.load import SiteError, load_text
from wallcloud.site.model import Role


@pytest.fixture
def fresh_catalog() -> Any:
    """The list of components is asked anew before and after."""
    catalog_package.components.cache_clear()
    yield
    catalog_package.components.cache_clear()


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_the_same_input_gives_the_same_design(flavour: str) -> None:
    one = compile_site(example(flavour), {}, RELEASE)
    other = compile_site(example(flavour), {}, RELEASE)
    assert one is not other
    assert one.specs == other.specs
    assert (one.flows, one.limits, one.placed) == (other.flows, other.limits, other.placed)
    assert json.dumps([to_json(spec) for spec in one.specs.values()]) == json.dumps(
        [to_json(spec) for spec in other.specs.values()]
    )


def test_the_order_of_facts_does_not_matter() -> None:
    facts = {node: NodeFacts(cores=4) for node in example().site.nodes}
    backwards = dict(reversed(facts.items()))
    assert compile_site(example(), facts, RELEASE).specs == compile_site(example(), backwards, RELEASE).specs


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_a_spec_survives_its_journey(flavour: str) -> None:
    for spec in designed(flavour).specs.values():
        assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_no_secret_stands_in_a_spec(flavour: str) -> None:
    """A secret is a hole with a name. Whatever looks like a value (64 hex digits) is a digest that we know of."""
    design = designed(flavour)
    for node, spec in design.specs.items():
        holes = [each for each in _walk(to_json(spec)) if isinstance(each, dict) and "secret" in each]
        assert {hole["secret"] for hole in holes} == set(design.secret_names(node))
        assert all(set(hole) == {"secret"} for hole in holes)
    assert CA_HOLE in design.secret_names("host1" if flavour == "combined" else "compute1")
    assert "identity-admin" in design.secret_names("control")
    for api in design.site.nodes_with(Role.API):
        assert design.secret_names(api) == (CA_HOLE,)


def _walk(value: Any) -> Any:
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(each)


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_the_shape_of_a_spec(flavour: str) -> None:
    for spec in designed(flavour).specs.values():
        kinds = [type(resource) for resource in spec.resources]
        assert kinds.count(r.Ruleset) == kinds.count(r.ExclusiveUnits) == kinds.count(r.Mask) == 1
        wall, mask = kinds.index(r.Ruleset), kinds.index(r.Mask)
        units = [index for index, kind in enumerate(kinds) if kind is r.Unit]
        packages = [index for index, kind in enumerate(kinds) if kind is r.Packages]
        # The wall stands, and Debian's own daemons are masked, before anything that listens is installed.
        assert packages[0] < wall < mask < packages[1]
        assert [r.name for r in spec.resources[: packages[0]] if isinstance(r, _PACKAGED)] == []
        assert kinds[-1] is r.ExclusiveUnits
        (keep,) = (each.keep for each in spec.resources if isinstance(each, r.ExclusiveUnits))
        assert set(keep) == {spec.resources[index].unit for index in units}  # type: ignore[attr-defined]
        assert all(resource.component and resource.reason for resource in spec.resources)
        names = Counter((resource.kind, resource.name) for resource in spec.resources)
        assert names.most_common(1)[0][1] == 1, names.most_common(3)


_PACKAGED = (r.Certificate, r.Task, r.Schema)


def test_every_file_has_one_author_and_a_folder_before_it() -> None:
    for spec in designed().specs.values():
        paths = [resource.path for resource in spec.resources if isinstance(resource, r.File)]
        assert len(paths) == len(set(paths))
        made: set[str] = set()
        for resource in spec.resources:
            if isinstance(resource, r.Directory):
                made.add(resource.path)
            if isinstance(resource, r.File) and "wallcloud" in str(Path(resource.path).parent):
                assert str(Path(resource.path).parent) in made, resource.path


def test_a_site_that_breaks_a_rule_does_not_compile() -> None:
    loaded = example("article", ("gateway: 198.18.10.1}", "gateway: 198.18.11.1}"))
    with pytest.raises(SiteError) as raised:
        compile_site(loaded, {}, RELEASE)
    assert [finding.id for finding in raised.value.findings if finding.severity == "error"] == ["gateway-inside"]


def test_rules_and_options_are_told_together() -> None:
    text = example("article", ("gateway: 198.18.10.1}", "gateway: 198.18.11.1}")).path
    loaded = with_options("keystone: {token: {expirations: 7200}}")
    broken = load_text(
        _text(loaded.path, "keystone: {token: {expirations: 7200}}")
        .replace("gateway: 198.18.10.1}", "gateway: 198.18.11.1}")
        .encode(),
        text,
    )
    with pytest.raises(SiteError) as raised:
        compile_site(broken, {}, RELEASE)
    assert {finding.id for finding in raised.value.findings} == {"gateway-inside", "unknown-option"}


def _text(path: Path, options: str) -> str:
    from wallcloud.site import template

    return template.text().replace("keystone: {token: {expiration: 7200}}", options)


def test_warnings_do_not_keep_a_site_from_compiling() -> None:
    loaded = example("article", ("mtu: 1550", "mtu: 1500"))
    assert compile_site(loaded, {}, RELEASE).specs


def test_facts_change_the_design() -> None:
    held = NodeFacts.model_validate({"clock": {"adjustable": False}})
    shared = compile_site(example(), {"control": held}, RELEASE).specs
    assert shared["control"] != designed().specs["control"]
    assert shared["api"] == designed().specs["api"]


def test_a_fact_that_could_not_be_read_is_assumed() -> None:
    raw = {"cores": None, "memory_mib": 512, "clock": {"adjustable": None, "unix": 1.5}, "kvm": None, "new": 1}
    facts = NodeFacts.of(raw)
    assert (facts.cores, facts.memory_mib, facts.clock.adjustable, facts.kvm) == (2, 512, True, True)
    assert not facts.assumed
    assert NodeFacts.of(None).assumed


def test_the_release_stands_in_every_spec() -> None:
    for spec in designed().specs.values():
        assert spec.release == "2026.2"
        indices = {resource.index for resource in spec.resources if isinstance(resource, r.Packages)}
        assert indices == {RELEASE.packages}


COMPONENT_FILE = """
from wallcloud.catalog.component import Account, Call, Component, Limit, Listen, Outside, Term, Visit
from wallcloud.node.resources import File
from wallcloud.site.model import Kind, Role

def limits(given):
    yield Limit("brand-new", "widgets", (Term("as many as there are nodes", len(given.site.nodes)),))

def resources(place):
    yield File(path="/etc/brand-new.conf", content=str(place.limit("widgets")), component="brand-new", reason="why not")

COMPONENT = Component(
    name="brand-new",
    title="new",
    roles=(Role.NETWORK,),
    account=Account("brand-new", 699),
    packages=("brand-new",),
    listens=(Listen("api", Kind.MANAGEMENT, 4711, authentication="TLS", encryption="TLS"),),
    calls=(Call("chrony", "ntp", "what is the time?"),),
    visits=(Visit(Outside.ADMINS, "api", "they want to"),),
    resources=resources,
)
"""


@pytest.mark.usefixtures("fresh_catalog")
def test_a_new_file_in_the_catalog_is_all_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brand_new.py").write_text(COMPONENT_FILE)
    monkeypatch.setattr(catalog_package, "__path__", [*catalog_package.__path__, str(tmp_path)])
    design = compile_site(example(), {}, RELEASE)
    assert design.placed["brand-new"] == ("network",)
    assert {(str(f.client), str(f.server)) for f in design.flows if "brand-new" in f"{f.client}{f.server}"} == {
        ("admins", "brand-new @ network"),
        ("brand-new @ network", "chrony @ control"),
    }
    spec = design.specs["network"].resources
    assert [each.content for each in spec if isinstance(each, r.File) and each.path == "/etc/brand-new.conf"] == ["5"]
    assert [each.uid for each in spec if isinstance(each, r.Account) and each.account == "brand-new"] == [699]
    assert any("brand-new" in each.names for each in spec if isinstance(each, r.Packages))
    (wall,) = (each.text for each in spec if isinstance(each, r.Ruleset))
    assert "tcp dport 4711" in wall
    assert "meta skuid 699" in wall
    assert not any(
        "699" in str(asdict(each)) for each in design.specs["compute1"].resources if isinstance(each, r.Ruleset)
    )


@pytest.mark.usefixtures("fresh_catalog")
def test_two_components_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zz.py").write_text(COMPONENT_FILE.replace('"brand-new",\n    title', '"chrony",\n    title'))
    monkeypatch.setattr(catalog_package, "__path__", [*catalog_package.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="two components are named chrony"):
        catalog_package.components()


@pytest.mark.usefixtures("fresh_catalog")
def test_a_component_stands_in_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limits are found by that name: they would be left out without a word."""
    (tmp_path / "other.py").write_text(COMPONENT_FILE)
    monkeypatch.setattr(catalog_package, "__path__", [*catalog_package.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match=r"brand-new must stand in a file of its own name, not in other\.py"):
        catalog_package.components()


def _big(nodes: int) -> Any:
    from wallcloud.site import template

    lines = "".join(
        f"  more{number}: {{roles: [compute], interfaces: "
        "{management: mgmt0, overlay: ovl0, flat-a: pra0, flat-b: prb0}}\n"
        for number in range(nodes)
    )
    return load_text(template.text().replace("\n# First projects", f"{lines}\n# First projects").encode(), Path("x"))


def test_work_grows_with_the_nodes_and_not_with_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: calls of the functions that are called for each flow or resource."""
    counts = []
    for nodes in (50, 200):
        calls = Counter[str]()
        _count(monkeypatch, calls)
        compile_site(_big(nodes), {}, RELEASE)
        monkeypatch.undo()
        counts.append(sum(calls.values()))
    assert 2 < counts[1] / counts[0] < 5, counts


def _count(monkeypatch: pytest.MonkeyPatch, calls: Counter[str]) -> None:
    import sys

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call" and "/wallcloud/" in frame.f_code.co_filename:
            calls[frame.f_code.co_qualname] += 1

    real = flows.derive

    def derive(*args: Any) -> Any:
        sys.setprofile(note)
        return real(*args)

    def checked(*args: Any) -> None:
        sys.setprofile(None)

    monkeypatch.setattr(compiling, "derive", derive)
    monkeypatch.setattr(compiling, "check_order", checked)


def test_components_are_hand_made_only_in_tests() -> None:
    assert component("x").name not in catalog_package.components()
