"""pydantic's errors in the words of a site, each with its place and what mends it."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from wallcloud.site import keys
from wallcloud.site.examples import example
from wallcloud.site.fields import bare, short
from wallcloud.site.finding import Finding, Where, dotted
from wallcloud.site.locations import Locations

_QUOTES = "“”„‟‘’‚‛«»‹›"


def explain(error: ValidationError, locations: Locations) -> list[Finding]:
    """A finding for each of pydantic's errors, in its order, without those that only follow from another."""
    errors = error.errors(include_url=False)
    findings = [_finding(details, locations) for details in errors]
    # A list whose items are refused is "too short" to pydantic, and a misspelt key is missing under its right name.
    refused = {details["loc"][:-1] for details in errors}
    misspelt = {
        (*finding.path[:-1], keys.meant(finding.path, locations)) for finding in findings if finding.id == "unknown-key"
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
            mend = f"a space belongs after a colon; {mend}" if ":" in str(path[-1]) else mend
            text = f"{dotted(path[:-1])}: {name} is {'too long' if 'longer' in text else 'not allowed'}"
        return Finding("name", "error", text, mend, path, locations.key(path))
    if kind == "extra_forbidden":
        around = dotted(path[:-1]) or "a site"
        text = f'{around} has no key "{bare(path[-1])}"'
        return Finding("unknown-key", "error", text, keys.mend(path, locations), path, locations.key(path))
    if kind == "missing":
        text = f'{dotted(path[:-1]) or "the site"} lacks the key "{path[-1]}"'
        return Finding("missing-key", "error", text, example(path), path, locations.at(path[:-1]))
    text, mend = _words(kind, value, context, path, locations)
    return Finding("value", "error", f"{dotted(path)}: {text}", mend, path, locations.at(path))


def _words(kind: str, value: object, context: dict[str, Any], path: Where, locations: Locations) -> tuple[str, str]:
    """What is wrong, and a hint, for a value at `path`."""
    written = locations.texts.get(path)
    seen = short(value)
    usual = example(path) or "`wallcloud new` writes a site with every key"
    match kind:
        case "refused" if isinstance(value, str) and value.strip(_QUOTES) != value:
            return str(context["text"]), f'these are no quotes to YAML: write "{bare(value.strip(_QUOTES))}"'
        case "refused":
            return str(context["text"]), str(context["hint"])
        case "string_type" if isinstance(value, bool | int | float):
            type_ = "true or false" if isinstance(value, bool) else "a number"
            return f"must be text, and {written} without quotes is {type_}", f'put it in quotes: "{written}"'
        case "string_type":
            return f"must be text, not {seen}", usual
        case "int_type":
            return f"must be a whole number, not {seen}", f"write {value}, without quotes" if _digits(value) else usual
        case "bool_type":
            right = {"yes": "true", "on": "true", "true": "true"}.get(str(value).lower(), "false")
            return f"must be true or false, not {seen}", f"write {right}"
        case "greater_than_equal":
            return f"{seen} is too small", f"{context['ge']} or more{_instead(path)}"
        case "less_than_equal":
            return f"{seen} is too large", f"{context['le']} or less"
        case "tuple_type" if written and written.startswith("-"):
            return f"must be a list, not {seen}", f'a space belongs after the dash: "- {bare(written[1:])}"'
        case "tuple_type":
            return f"must be a list, not {seen}", f"write [{bare(written)}]" if written else usual
        case "too_short":
            return "the list is empty", "name at least one"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a mapping of keys, not {seen}", usual
        case "literal_error" if path == ("wallcloud",):
            return f"{seen} is no version of the site's language that this Wallcloud knows", "write wallcloud: 1"
        case _:
            return f"{seen} is not allowed here", usual


def _instead(path: Where) -> str:
    """What 0 was meant to say."""
    return "; leave the key out where the network is untagged" if path[-1:] == ("vlan",) else ""


def _digits(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()
