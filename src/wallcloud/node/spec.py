"""A node's spec and its JSON: generic over the dataclasses of all registered kinds."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, ClassVar, cast

from wallcloud.frozen import frozen
from wallcloud.node.resource import Resource
from wallcloud.node.secret import Secret


class Record:
    """Base of the small dataclasses that are fields of resources (a unit's `Input`); registered by being defined."""

    registry: ClassVar[dict[str, type["Record"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Record.registry[cls.__name__] = cls


@frozen
class Part:
    """`count` consecutive resources of a spec, taken in order; they begin when all parts in `after` are done.

    A `guard` holds nothing up but changes: the others read beside it, and change nothing before all guards are done.
    """

    name: str
    count: int
    after: tuple[str, ...] = ()
    guard: bool = False


@frozen
class Spec:
    """The resources of one node in the order in which they are shown, and the parts that may be taken at once.

    The parts follow each other in `resources`, each behind those that it stands on; without any, all is one part.
    Raises ValueError for parts that do not fit.
    """

    node: str
    release: str
    resources: tuple[Resource, ...]
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        known = set[str]()
        for part in self.parts:
            if part.name in known or not known.issuperset(part.after):
                raise ValueError(f"part {part.name} is named twice, or stands on one that does not come before it")
            known.add(part.name)
        if self.parts and sum(part.count for part in self.parts) != len(self.resources):
            raise ValueError("the parts do not hold exactly the resources of the spec")

    def ranges(self) -> tuple[tuple[Part, range], ...]:
        """Each part with the indices of its resources."""
        found, begin = [], 0
        for part in self.parts or (Part("all", len(self.resources)),):
            found.append((part, range(begin, begin + part.count)))
            begin += part.count
        return tuple(found)


class SpecError(ValueError):
    """The JSON is not a spec that this version understands."""


def to_json(spec: Spec) -> dict[str, Any]:
    """{"node", "release", "parts": [[name, count, [after, …], guard], …],
    "resources": [{"kind", field: value that is not the default, …}, …]}."""
    return {
        "node": spec.node,
        "release": spec.release,
        "parts": [[part.name, part.count, list(part.after), part.guard] for part in spec.parts],
        "resources": [_encode(each) for each in spec.resources],
    }


def from_json(data: Mapping[str, Any]) -> Spec:
    """The inverse of `to_json`. Raises SpecError."""
    try:
        parts = tuple(Part(name, count, tuple(after), guard) for name, count, after, guard in data.get("parts", ()))
        return Spec(data["node"], data["release"], tuple(_resource(each) for each in data["resources"]), parts)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SpecError(f"not a spec: {type(error).__name__}: {error}") from error


def _encode(value: object) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case Secret():
            return {"secret": value.name}
        case tuple() | list():
            return [_encode(each) for each in value]
        case Resource():
            return {"kind": value.kind, **_fields(value)}
        case Record():
            return {"record": type(value).__name__, **_fields(value)}
    raise SpecError(f"a spec cannot hold a {type(value).__name__}")


def _fields(value: Resource | Record) -> dict[str, Any]:
    assert is_dataclass(value)  # noqa: S101 - for the type checker
    pairs = ((each, getattr(value, each.name)) for each in fields(value))
    return {each.name: _encode(item) for each, item in pairs if each.default is MISSING or item != each.default}


def _resource(data: Mapping[str, Any]) -> Resource:
    kind = Resource.registry.get(data["kind"])
    if kind is None:
        raise SpecError(f"no such kind of resource: {data['kind']}")
    return kind(**{name: _decode(value) for name, value in data.items() if name != "kind"})


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(each) for each in value)
    if isinstance(value, dict):
        if "secret" in value:
            return Secret(value["secret"])
        if "record" in value:
            record = cast("type[Any] | None", Record.registry.get(value["record"]))
            if record is None:
                raise SpecError(f"no such record: {value['record']}")
            return record(**{name: _decode(item) for name, item in value.items() if name != "record"})
        raise SpecError(f"not understood: an object with {', '.join(value)}")
    return value
