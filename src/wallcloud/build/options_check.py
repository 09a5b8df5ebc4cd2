"""Is a value of the type that oslo.config wants? The same judgement as its `types` module, without importing it."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from wallcloud.build.options_near import near
from wallcloud.frozen import frozen

Value = str | int | float | bool | Sequence[str] | None
Given = str | int | float | bool | tuple[str, ...]

_TRUE = ("true", "1", "on", "yes")
_FALSE = ("false", "0", "off", "no")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*\.?"
)


@frozen
class Wrong:
    """What is wrong with a value (`text` continues after the option's name), and what mends it."""

    id: str
    text: str
    mend: str = ""


def problem_with(
    kind: str, choices: tuple[str, ...], least: float | None, most: float | None, value: Value
) -> Wrong | None:
    """What is wrong with `value` for an option of `kind`, or None. Text with `$name` is filled in later: any type."""
    if value is None or (isinstance(value, str) and "$" in value):
        return None
    given: Given = value if isinstance(value, str | int | float | bool) else tuple(value)
    if choices:
        return _choice(choices, given)
    if kind in {"integer", "port", "float"}:
        return _number(kind, least, most, given)
    if kind in {"list", "dict", "multi"}:
        return _many(kind, given)
    if isinstance(given, tuple):
        return Wrong("type", f"takes one value, not a list of {len(given)}")
    if kind == "boolean":
        right = isinstance(given, bool) or str(given).strip().lower() in _TRUE + _FALSE
        return None if right else Wrong("type", f"takes true or false, not {given!r}")
    if isinstance(given, bool):
        return Wrong("type", f"takes text, not {str(given).lower()}", "put it in quotes if this is meant")
    return _text(kind, str(given).strip())


def _choice(choices: tuple[str, ...], value: Given) -> Wrong | None:
    # Some options ignore case, and the generator does not say which: better than to refuse what would work.
    folded = {each.lower() for each in choices}
    for each in [str(each) for each in value] if isinstance(value, tuple) else [str(value)]:
        if each.lower() not in folded:
            guess = near(each, choices)
            return Wrong(
                "choice",
                f"cannot be {each!r}: it is one of {', '.join(choices)}",
                f"did you mean {guess}?" if guess else "",
            )
    return None


def _number(kind: str, least: float | None, most: float | None, value: Given) -> Wrong | None:
    wanted = "a number" if kind == "float" else "a whole number"
    try:
        if isinstance(value, bool | tuple):
            raise ValueError
        number = float(value) if kind == "float" else int(str(value).strip())
    except ValueError:
        return Wrong("type", f"takes {wanted}, not {_shown(value)}")
    if least is not None and number < least:
        return Wrong("range", f"is {number:g}, but must be at least {least:g}")
    if most is not None and number > most:
        return Wrong("range", f"is {number:g}, but must be at most {most:g}")
    return None


def _many(kind: str, value: Given) -> Wrong | None:
    if isinstance(value, bool):
        return Wrong("type", f"takes a {kind}, not {_shown(value)}")
    if kind == "dict":
        pairs = value if isinstance(value, tuple) else tuple(str(value).split(","))
        for pair in pairs:
            if str(pair).strip() and ":" not in str(pair):
                return Wrong("type", f"takes pairs `key:value`, separated by commas; {str(pair).strip()!r} is none")
    return None


def _text(kind: str, value: str) -> Wrong | None:
    right = {
        "ip": lambda: _is_address(value),
        "host": lambda: _HOST.fullmatch(value) is not None,
        "host-address": lambda: _is_address(value) or _HOST.fullmatch(value) is not None,
        "uri": lambda: bool(urlsplit(value).scheme),
    }.get(kind)
    wanted = {"ip": "an IP address", "host": "a host name", "host-address": "a host name or an address", "uri": "a URI"}
    if right is None or value == "" or right():
        return None
    return Wrong("type", f"takes {wanted[kind]}, not {value!r}")


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _shown(value: Given) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"a list of {len(value)}" if isinstance(value, tuple) else repr(value)
