"""Every component of the catalog: what it declares fits together, and what it writes is known to the release."""

import json
from collections import defaultdict
from itertools import chain

import pytest
from tests.design.world import EXAMPLES, RELEASE, designed, example

from wallcloud.build.options import table
from wallcloud.catalog import components
from wallcloud.catalog.component import Component
from wallcloud.catalog.facts import NodeFacts
from wallcloud.design.compile import compile_site
from wallcloud.design.packages import names_by_role
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.node.secret import masked

CATALOG = components()
EVERY = pytest.mark.parametrize("component", CATALOG.values(), ids=CATALOG)


@EVERY
def test_its_declarations_name_what_is_there(component: Component) -> None:
    assert component.title
    assert component.roles
    for call in component.calls:
        assert CATALOG[str(call.to)].listen(call.listen)
        assert call.why
    for visit in component.visits:
        assert component.listen(visit.listen)
    for name in component.after:
        assert name in CATALOG
    names = [listen.name for listen in component.listens]
    assert len(set(names)) == len(names)


@EVERY
def test_every_listener_is_protected_or_a_named_exception(component: Component) -> None:
    for listen in component.listens:
        assert listen.authentication
        assert listen.encryption
        for part in (listen.authentication, listen.encryption):
            if part.startswith("none") and listen.exemption is None:
                assert listen.protocol == "icmp", f"{component.name} {listen.name}"
        if listen.exemption:
            assert listen.exemption.name and listen.exemption.reason and listen.exemption.owner


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_no_two_listen_on_the_same_port_or_path(flavour: str) -> None:
    design = designed(flavour)
    for node, spec in design.specs.items():
        assert spec.node == node
        taken: dict[tuple[object, ...], str] = {}
        for name in design.components_of(node):
            for listen in CATALOG[name].listens:
                if not set(listen.roles) & set(design.site.nodes[node].roles):
                    continue
                where = (listen.path,) if listen.path else (listen.network, listen.protocol, listen.port)
                assert where not in taken, f"{name} and {taken[where]} on {node}: {where}"
                taken[where] = name


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_debians_own_units_never_run_beside_ours(flavour: str) -> None:
    for spec in designed(flavour).specs.values():
        masked_units = {unit for resource in spec.resources if isinstance(resource, r.Mask) for unit in resource.units}
        own = {resource.unit for resource in spec.resources if isinstance(resource, r.Unit)}
        assert masked_units
        assert all(unit.startswith("wallcloud-") for unit in own)
        assert not masked_units & own


def test_packages_of_roles() -> None:
    names = names_by_role()
    assert set(names) == {"control", "api", "network", "compute"}
    for role, packages in names.items():
        assert packages == tuple(sorted(set(packages)))
        assert {"chrony", "nftables", "openssl"} <= set(packages), role
    assert "mariadb-server" in names["control"]
    assert "mariadb-server" not in chain(names["api"], names["network"], names["compute"])


def test_packages_of_combined_roles_are_resolved_together() -> None:
    assert set(names_by_role(example("article").site)) == {"control", "api", "network", "compute"}
    names = names_by_role(example("combined").site)
    assert set(names) == {"control", "api", "network", "compute", "network+compute"}
    assert set(names["network+compute"]) == {*names["network"], *names["compute"]}


def _settings(text: str) -> dict[str, dict[str, list[str]]]:
    """group → option → its values, of an oslo.config file."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip("[]")
        elif line and not line.startswith("#"):
            option, _, value = line.partition(" = ")
            found[group][option].append(value)
    return found


PROGRAMS = [(flavour, name) for flavour in EXAMPLES for name, each in CATALOG.items() if each.program]


def _files(flavour: str, component: str) -> list[r.File]:
    every: list[Resource] = [it for spec in designed(flavour).specs.values() for it in spec.resources]
    return [
        each
        for each in every
        if isinstance(each, r.File) and each.component == component and each.path.endswith(".conf")
    ]


@pytest.mark.parametrize(("flavour", "name"), PROGRAMS)
def test_every_setting_is_known_to_the_release(flavour: str, name: str) -> None:
    program = CATALOG[name].program
    assert program is not None
    known = table(RELEASE.name, program)
    files = _files(flavour, name)
    assert files
    problems = [
        problem.text
        for file in files
        for group, options in _settings(masked(file.content)).items()
        for option, values in options.items()
        for value in values
        if (problem := known.check(group, option, value)) is not None
    ]
    assert problems == []


@pytest.mark.parametrize(("flavour", "name"), PROGRAMS)
def test_what_the_operator_cannot_set_is_set_by_the_design(flavour: str, name: str) -> None:
    files = _files(flavour, name)
    written = {
        f"{group.lower()}.{option}"
        for file in files
        for group, options in _settings(masked(file.content)).items()
        for option in options
    }
    assert CATALOG[name].derived
    assert set(CATALOG[name].derived) <= written


@pytest.mark.parametrize(("flavour", "name"), PROGRAMS)
def test_settings_with_secrets_are_for_their_account_alone(flavour: str, name: str) -> None:
    for file in _files(flavour, name):
        assert (file.owner, file.group, file.mode) == ("root", CATALOG[name].account.group, 0o640)


def test_the_reader_of_the_test_would_see_an_unknown_setting() -> None:
    known = table(RELEASE.name, "keystone")
    assert _settings("[a]\nb = c = d\nb = e\n# x\n") == {"a": {"b": ["c = d", "e"]}}
    assert known.check("token", "expirations", "1") is not None


@pytest.mark.parametrize("adjustable", [True, False])
@pytest.mark.parametrize("cores", [1, 64])
def test_units_are_whole_whatever_the_facts(adjustable: bool, cores: int) -> None:
    facts = NodeFacts.model_validate({"cores": cores, "clock": {"adjustable": adjustable}})
    loaded = example()
    design = compile_site(loaded, dict.fromkeys(loaded.site.nodes, facts), RELEASE)
    for spec in design.specs.values():
        for unit in (each for each in spec.resources if isinstance(each, r.Unit)):
            lines = unit.text.splitlines()
            assert lines[0] == "[Unit]"
            assert sum(line in ("[Service]", "[Socket]", "[Timer]") for line in lines) == 1, unit.unit
            assert not any("None" in line or "  " in line for line in lines), unit.unit
            for given in unit.inputs:
                assert given.path in unit.text, f"{unit.unit} does not stamp {given.path}"


def test_names_of_secrets_are_few_and_known() -> None:
    design = designed()
    assert set(design.secret_names("control")) == {
        "database-nova-metadata@network",
        "identity-admin",
        "identity-demo-demo",
        *(f"identity-service-{user}" for user in ("glance", "neutron", "nova", "nova-compute", "nova-metadata")),
        "identity-service-placement",
        "rabbitmq-cookie",
        "site-ca",
        "site-crl",
    }
    assert set(design.secret_names("compute1")) == {"identity-service-nova-compute", "site-ca"}
    assert json.dumps(design.secret_names("api")) == '["site-ca"]'
