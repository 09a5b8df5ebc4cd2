"""A node's components are brought about at once: whatever one stands on must be done before it begins."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from tests.design.test_design_order import step
from tests.design.world import EXAMPLES, RELEASE, designed

from wallcloud.design.order import OrderError, check_order
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.node.spec import Part, Spec, to_json

SERVED = {
    "mariadb": (r.Database, r.DatabaseAccount, r.Schema),
    "rabbitmq": (r.BusVhost, r.BusAccount),
    "keystone": (r.IdentityBootstrap, r.IdentityService, r.IdentityEndpoint, r.IdentityUser, r.IdentityProject),
}
"""What can be made only when the server runs that holds it."""


def behind(spec: Spec) -> dict[str, set[str]]:
    """Each part with all that it stands on, near and far."""
    found: dict[str, set[str]] = {}
    for part in spec.parts:
        found[part.name] = set(part.after).union(*(found[name] for name in part.after))
    return found


def misplaced(spec: Spec) -> Iterator[str]:
    """Every resource that may come before one that it needs."""
    part_of = {index: part.name for part, indices in spec.ranges() for index in indices}
    owner = {path: index for index, each in reversed([*enumerate(spec.resources)]) for path in each.paths()}
    stands_on = behind(spec)

    def settled(index: int, on: int) -> bool:
        mine, its = part_of[index], part_of[on]
        return on < index if mine == its else its in stands_on[mine]

    for index, resource in enumerate(spec.resources):
        for path in _needs(resource):
            if path in owner and owner[path] != index and not settled(index, owner[path]):
                yield f"{spec.node}: {part_of[index]}: {resource.kind} {resource.name} needs {path}"
        for server, kinds in SERVED.items():
            if isinstance(resource, kinds) and server not in {part_of[index], *stands_on[part_of[index]]}:
                yield f"{spec.node}: {part_of[index]}: {resource.kind} {resource.name} needs {server}"


def _needs(resource: Resource) -> Iterator[str]:
    """Paths that must be as designed before: folders, inputs, required units, the environment where it is named."""
    for path in resource.paths():
        yield from (str(parent) for parent in PurePosixPath(path).parents)
    if isinstance(resource, r.Unit):
        yield from (each.path for each in resource.inputs)
        for line in resource.text.splitlines():
            key, _, names = line.partition("=")
            if key in ("Requires", "BindsTo", "Sockets"):
                yield from (f"/etc/systemd/system/{name}" for name in names.split())
    if not isinstance(resource, r.Environment) and RELEASE.environment_path in _text(resource):
        yield RELEASE.environment_path


def _text(resource: Resource) -> str:
    return json.dumps(to_json(Spec("", "", (resource,))))


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_a_component_needs_is_done_before_it_begins(flavour: str) -> None:
    assert [each for spec in designed(flavour).specs.values() for each in misplaced(spec)] == []


def test_that_it_would_be_noticed() -> None:
    """The same specs with every component on the bare ground."""
    spec = designed().specs["control"]
    guards, ground, *parts = spec.parts
    bare = (guards, ground, *(Part(part.name, part.count, (ground.name,)) for part in parts))
    found = "\n".join(misplaced(Spec(spec.node, spec.release, spec.resources, bare)))
    assert RELEASE.environment_path in found
    assert "database keystone needs mariadb" in found
    assert "identity-bootstrap admin needs keystone" in found


def test_the_ground_comes_first_and_the_exclusive_sets_last_and_components_beside_each_other() -> None:
    spec = designed().specs["control"]
    stands_on = behind(spec)
    guards, first, *parts, last = spec.parts
    assert [part.name for part in spec.parts if part.guard] == [guards.name]
    assert all(first.name in stands_on[part.name] for part in parts)
    assert stands_on[last.name] == {first.name, *(part.name for part in parts)}
    assert "mariadb" in stands_on["keystone"]
    assert not {"rabbitmq", "chrony"} & stands_on["keystone"]
    assert not {"environment", "keystone", "rabbitmq"} & stands_on["mariadb"]
    # Nothing is installed and no daemon started before the firewall.
    wall = next(index for index, each in enumerate(spec.resources) if isinstance(each, r.Ruleset))
    assert wall < guards.count + first.count


def test_schemas_are_changed_side_by_side_and_what_follows_waits_for_all() -> None:
    spec = designed().specs["control"]
    stands_on = behind(spec)
    part_of: dict[str, str] = {}
    for part, indices in spec.ranges():
        part_of |= {f"{(each := spec.resources[index]).kind} {each.name}": part.name for index in indices}
    schemas = {part_of[f"schema {name}"] for name in ("nova_api", "nova_cell0", "nova")}
    assert len(schemas) == 3
    assert all(not schemas & stands_on[each] for each in schemas)
    assert part_of["nova-cells cells of Nova"] == "nova-database" and schemas <= stands_on["nova-database"]
    # The same for Keystone's schema and keys, with a part before and one after.
    aside = {part.name for part in spec.parts if part.name.startswith("keystone, ")}
    assert (
        len(aside) == 4 and part_of["unit wallcloud-keystone.service"] == "keystone" and aside <= stands_on["keystone"]
    )


# -- waiting in a circle


def split(node: str, *parts: tuple[str, tuple[str, ...], tuple[Resource, ...]]) -> Spec:
    made = tuple(Part(name, len(resources), after) for name, after, resources in parts)
    return Spec(node, "2026.2", tuple(each for *_, resources in parts for each in resources), made)


def check(*specs: Spec) -> None:
    check_order({each.node: each for each in specs})


def test_parts_beside_each_other_may_wait_as_the_list_could_not() -> None:
    """In one list `a` would wait for `y` before it publishes `x`; in two parts it does both at once."""
    other = split("b", ("p", (), (step("/3", publishes="y", awaits="x"),)))
    awaits, publishes = step("/1", awaits="y"), step("/2", publishes="x")
    check(split("a", ("p", (), (awaits,)), ("q", (), (publishes,))), other)
    with pytest.raises(OrderError, match=r"^nodes wait for each other: "):
        check(split("a", ("p", (), (awaits, publishes))), other)


def test_a_circle_through_parts_that_publish_nothing_is_found() -> None:
    between = ("between", ("p",), (step("/idle"),))
    one = split("a", ("p", (), (step("/1", awaits="y"),)), between, ("q", ("between",), (step("/2", publishes="x"),)))
    with pytest.raises(OrderError) as raised:
        check(one, split("b", ("p", (), (step("/3", publishes="y", awaits="x"),))))
    circle = str(raised.value).removeprefix("nodes wait for each other: ").split(" → ")
    assert circle[0] == circle[-1]
    assert set(circle) == {"a /1", "a /2", "b /3"}


def test_a_milestone_of_a_part_beside_may_be_awaited_on_the_same_node() -> None:
    check(split("a", ("p", (), (step("/1", awaits="x"),)), ("q", (), (step("/2", publishes="x"),))))
    with pytest.raises(OrderError, match=r"^nodes wait for each other: a /[12] → a /[12]"):
        check(split("a", ("p", (), (step("/1", awaits="x"),)), ("q", ("p",), (step("/2", publishes="x"),))))
