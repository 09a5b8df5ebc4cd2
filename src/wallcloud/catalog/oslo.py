"""oslo.config files: settings as data, the operator's options over the design's, rendered with holes for secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wallcloud.build.options import Kind, table
from wallcloud.catalog.place import Place
from wallcloud.frozen import frozen
from wallcloud.node.resources import File
from wallcloud.node.secret import Secret, Text

Scalar = str | int | float | bool


@frozen
class Joined:
    """One value in pieces, some of which are secrets (a URL with a password)."""

    pieces: tuple[str | Secret, ...]


Setting = Scalar | tuple[Scalar, ...] | Secret | Joined
Settings = Mapping[str, Mapping[str, Setting]]
"""group → option → value."""


def config(place: Place, path: str, settings: Settings, *, reason: str) -> File:
    """The file of a component's settings, readable by its account alone."""
    return File(
        path=path,
        content=render(merged(settings, place.options()), _repeated(place)),
        group=place.component.account.group,
        mode=0o640,
        component=place.component.name,
        reason=reason,
    )


def merged(settings: Settings, options: Settings) -> dict[str, dict[str, Setting]]:
    """The design's settings with the operator's laid over them."""
    whole = {group: dict(values) for group, values in settings.items()}
    for group, values in options.items():
        for option, value in values.items():
            # As in the table: `-` for `_` would be a second setting, and DEFAULT is the only group where case is seen.
            whole.setdefault(_group(whole, group), {})[option.replace("-", "_")] = value
    return whole


def _group(whole: Mapping[str, object], group: str) -> str:
    """oslo.config compares groups without regard to case: the name that stands already."""
    return next((name for name in whole if name.lower() == group.lower()), group)


def _repeated(place: Place) -> frozenset[tuple[str, str]]:
    """The (group, option) among the operator's that are written once per value (MultiOpt), not as one list."""
    if place.component.program is None:
        return frozenset()
    known = table(place.release.name, place.component.program)
    return frozenset(
        (group.lower(), option.replace("-", "_"))
        for group, values in place.options().items()
        for option in values
        if (found := known.option(group, option)) is not None and found.kind is Kind.MULTI
    )


def render(settings: Settings, repeated: frozenset[tuple[str, str]] = frozenset()) -> Text:
    """The text of an oslo.config file (ini with `=`; `$` doubled, because oslo.config substitutes).

    `repeated` names (group in small letters, option) whose values stand on a line each.
    """
    parts: list[str | Secret] = ["# Written by Wallcloud; changes made here are taken back by the next apply.\n"]
    for group, values in settings.items():
        parts.append(f"\n[{group}]\n")
        for option, value in values.items():
            each = value if (group.lower(), option) in repeated and isinstance(value, tuple) else (value,)
            for one in each:
                parts.append(f"{option} = ")
                parts.extend(_pieces(one))
                parts.append("\n")
    return _joined(parts)


def together(*each: Settings) -> dict[str, dict[str, Setting]]:
    """Several settings as one; of two values for one option the later counts."""
    whole: dict[str, dict[str, Setting]] = {}
    for settings in each:
        for group, values in settings.items():
            whole.setdefault(group, {}).update(values)
    return whole


def _pieces(value: Setting) -> Iterator[str | Secret]:
    if isinstance(value, Joined):
        yield from (piece if isinstance(piece, Secret) else _text(piece) for piece in value.pieces)
    elif isinstance(value, Secret):
        yield value
    else:
        yield _text(value)


def _text(value: Scalar | tuple[Scalar, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(_text(each) for each in value)
    return str(value).replace("$", "$$")


def _joined(parts: list[str | Secret]) -> Text:
    joined: list[str | Secret] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined) if any(isinstance(part, Secret) for part in joined) else str(joined[0])
