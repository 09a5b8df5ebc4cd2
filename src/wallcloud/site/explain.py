"""pydantic's errors in the words of a site, each with its place and what mends it."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wallcloud.site.fields import bare, nearest, short
from wallcloud.site.finding import Finding, Where, dotted
from wallcloud.site.locations import Locations
from wallcloud.site.model import Site


def explain(error: ValidationError, locations: Locations) -> list[Finding]:
    """A finding for each of pydantic's errors, in its order, without those that only follow from another."""
    errors = error.errors(include_url=False)
    findings = [_finding(details, locations) for details in errors]
    # A list whose items are refused is "too short" to pydantic, and a misspelt key is missing under its right name.
    refused = {details["loc"][:-1] for details in errors}
    misspelt = {
        (*finding.path[:-1], _meant(finding.path, locations)) for finding in findings if finding.id == "unknown-key"
    }
    return [
        finding
        for details, finding in zip(errors, findings, strict=True)
        if not (details["type"] == "too_short" and details["loc"] in refused)
        and not (finding.id == "missing-key" and finding.path in misspelt)
    ]


def _finding(details: ErrorDetails, locations: Locations) -> Finding:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    path = tuple(part for part in details["loc"])
    if path and path[-1] == "[key]":
        path = path[:-1]
        name = f"the name {short(path[-1])}" if path else "the name"
        text, mend = _words(kind, value, context, path, locations)
        if kind == "refused":
            text = f"{dotted(path[:-1])}: {name} is {'too long' if 'longer' in text else 'not allowed'}"
        return Finding("name", "error", text, mend, path, locations.key(path))
    if kind == "extra_forbidden":
        return _unknown(path, locations)
    if kind == "missing":
        text = f'{dotted(path[:-1]) or "the site"} lacks the key "{path[-1]}"'
        return Finding("missing-key", "error", text, _example(path), path, locations.at(path[:-1]))
    text, mend = _words(kind, value, context, path, locations)
    return Finding("value", "error", f"{dotted(path)}: {text}", mend, path, locations.at(path))


def _unknown(path: Where, locations: Locations) -> Finding:
    meant = _meant(path, locations)
    around = dotted(path[:-1]) or "a site"
    mend = f'did you mean "{meant}"?' if meant else f"known here: {', '.join(_keys(path[:-1]))}"
    return Finding("unknown-key", "error", f'{around} has no key "{bare(path[-1])}"', mend, path, locations.key(path))


def _meant(path: Where, locations: Locations) -> str:
    """The key, not yet in the file, that an unknown one probably stands for."""
    known = [name for name in _keys(path[:-1]) if (*path[:-1], name) not in locations.keys]
    return nearest(str(path[-1]), known)


def _words(kind: str, value: object, context: dict[str, Any], path: Where, locations: Locations) -> tuple[str, str]:
    """What is wrong, and a hint, for a value at `path`."""
    written = locations.texts.get(path)
    seen = short(value)
    match kind:
        case "refused":
            return str(context["text"]), str(context["hint"])
        case "string_type" if isinstance(value, bool | int | float):
            type_ = "true or false" if isinstance(value, bool) else "a number"
            return f"must be text, and {written} without quotes is {type_}", f'put it in quotes: "{written}"'
        case "string_type":
            return f"must be text, not {seen}", ""
        case "int_type":
            return f"must be a whole number, not {seen}", "without quotes" if _digits(value) else ""
        case "greater_than_equal":
            return f"{seen} is too small", f"{context['ge']} or more"
        case "less_than_equal":
            return f"{seen} is too large", f"{context['le']} or less"
        case "tuple_type":
            return f"must be a list, not {seen}", f"write [{bare(written)}]" if written else "write [one, two]"
        case "too_short":
            return "the list is empty", "name at least one"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a mapping of keys, not {seen}", _example(path)
        case "literal_error" if path == ("wallcloud",):
            return f"{seen} is no version of the site's language that this Wallcloud knows", "write wallcloud: 1"
        case _:
            return f"{seen} is not allowed here", ""


def _digits(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


_EXAMPLES: dict[Where, str] = {
    ("wallcloud",): "wallcloud: 1",
    ("name",): "name: mycloud",
    ("release",): 'release: "2026.2"',
    ("domain",): "domain: cloud.example",
    ("admin_prefixes",): "admin_prefixes: [198.18.1.0/24]",
    ("time",): "time: {servers: [198.18.10.1]}",
    ("time", "servers"): "servers: [198.18.10.1]",
    ("dns",): "dns: {resolvers: [198.18.30.1]}",
    ("ssh",): "ssh: {user: root, port: 22}",
    ("networks",): "networks: {management: {kind: management, cidr: 198.18.10.0/24}}",
    ("networks", "*"): "{kind: management, cidr: 198.18.10.0/24}",
    ("networks", "*", "kind"): "kind: management, public, overlay, floating or flat",
    ("networks", "*", "cidr"): "cidr: 198.18.10.0/24",
    ("nodes",): "nodes: {control: {roles: [control], interfaces: {management: eth0}}}",
    ("nodes", "*"): "{roles: [control], interfaces: {management: eth0}}",
    ("nodes", "*", "roles"): "roles: [control]",
    ("nodes", "*", "interfaces"): "interfaces: {management: eth0}",
    ("nodes", "*", "addresses"): "addresses: {management: 198.18.10.11}",
    ("projects",): "projects: {demo: {user: demo}}",
    ("projects", "*"): "{user: demo}",
    ("projects", "*", "user"): "user: demo",
    ("images",): "images: {debian-12: {file: images/debian-12.qcow2, sha256: (64 digits)}}",
    ("images", "*"): "{file: images/debian-12.qcow2, sha256: (64 digits)}",
    ("images", "*", "file"): "file: images/debian-12.qcow2",
    ("images", "*", "sha256"): "sha256: and what `sha256sum FILE` prints",
    ("images", "*", "properties"): "properties: {hw_disk_bus: scsi}",
    ("flavors",): "flavors: {small: {vcpus: 1, memory: 1024, disk: 10}}",
    ("flavors", "*"): "{vcpus: 1, memory: 1024, disk: 10}",
    ("flavors", "*", "vcpus"): "vcpus: 1",
    ("flavors", "*", "memory"): "memory: 1024, in MiB",
    ("flavors", "*", "disk"): "disk: 10, in GiB",
    ("quotas",): "quotas: {instances: 10, cores: 20}",
    ("image_store",): "image_store: {path: /srv/images, quota_gib: 20}",
    ("options",): "options: {keystone: {token: {expiration: 7200}}}",
    ("options", "*"): "component: {group: {option: value}}, like keystone: {token: {expiration: 7200}}",
    ("options", "*", "*"): "group: {option: value}, like token: {expiration: 7200}",
    ("limits",): "limits: {api_workers: auto}",
}


def _example(path: Where) -> str:
    """How what belongs at `path` is written."""
    shape = tuple("*" if index % 2 and path[0] in _NAMED else part for index, part in enumerate(path))
    if path[:1] == ("options",) and len(path) > 2:
        shape = ("options", *("*" for _ in path[1:]))
    example = _EXAMPLES.get(shape)
    return f"write {example}" if example else ""


_NAMED = ("networks", "nodes", "projects", "images", "flavors", "options")


def _keys(path: Where) -> list[str]:
    """The keys that a mapping at `path` may have."""
    model: Any = Site
    for part in path:
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[str(part)].annotation
        elif get_origin(model) is dict:
            model = get_args(model)[1]
        for argument in _arguments(model):
            model = argument
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _arguments(annotation: Any) -> Iterator[Any]:
    """The type inside an `Annotated`."""
    if hasattr(annotation, "__metadata__"):
        yield get_args(annotation)[0]
