"""A spec survives its way to the node, for every kind that there is."""

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest

import wallcloud.node.resources  # fills the registry
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File, Input, Unit
from wallcloud.node.secret import Secret, fill, holes, masked
from wallcloud.node.spec import Spec, SpecError, from_json, to_json

EXAMPLES: dict[str, Any] = {
    "str": "some text",
    "int": 7,
    "bool": True,
    "tuple": ("a", "b"),
    "Text": ("a=", Secret("b")),
}


PICKY: dict[str, dict[str, Any]] = {
    "database-account": {"grants": ("SELECT ON `a`.*",), "via": "tls", "password": Secret("b")},
    "identity-assignment": {"project": "demo", "system": False},
}
"""Fields of kinds that check them."""


def example(kind: type[Resource]) -> Resource:
    """One of its kind, no field at its default where the type is plain."""
    values: dict[str, Any] = {}
    for each in fields(kind):
        name = str(each.type).split("|")[0].split("[")[0].replace("<class '", "").strip("' >")
        if name in EXAMPLES:
            values[each.name] = EXAMPLES[name]
        elif each.default is MISSING:
            values[each.name] = "x"
    return kind(**{**values, **PICKY.get(kind.kind, {})})


@pytest.mark.parametrize("kind", sorted(Resource.registry))
def test_every_kind_survives_json(kind: str) -> None:
    spec = Spec("control", "2026.2", (example(Resource.registry[kind]),))
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


def test_records_and_secrets_survive_json() -> None:
    unit = Unit(unit="a.service", text="t", inputs=(Input(path="/a"), Input(path="/b", on="reload")), ready=("true",))
    spec = Spec("n", "r", (unit, File(path="/a", content=("x=", Secret("y"), "\n"))))
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


def test_defaults_are_not_sent() -> None:
    assert to_json(Spec("n", "r", (File(path="/a", content="b"),)))["resources"] == [
        {"kind": "file", "path": "/a", "content": "b"}
    ]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"node": "n", "release": "r", "resources": [{"kind": "spoon"}]}, "no such kind of resource: spoon"),
        (
            {"node": "n", "release": "r", "resources": [{"kind": "link", "path": "/a", "colour": 1}]},
            "not a spec: TypeError",
        ),
        ({"node": "n"}, "not a spec: KeyError"),
        ({"node": "n", "release": "r", "resources": [{"kind": "link", "path": {"a": 1}}]}, "not understood"),
    ],
)
def test_what_is_no_spec(data: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError, match=text):
        from_json(data)


def test_holes() -> None:
    text = ("user = ", Secret("name"), "\npassword = ", Secret("word"), "\n")
    assert holes(text) == ("name", "word")
    assert fill(text, {"name": "a", "word": "b"}.__getitem__) == "user = a\npassword = b\n"
    assert masked(text) == "user = «secret name»\npassword = «secret word»\n"
    assert masked("plain") == fill("plain", str) == "plain"


def test_registry_is_full() -> None:
    assert {"file", "directory", "unit", "packages", "ruleset"} <= set(Resource.registry)
    assert all(kind.kind == name for name, kind in Resource.registry.items())
    assert wallcloud.node.resources.__all__
