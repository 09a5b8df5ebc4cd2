"""oslo.config files: settings as data, the operator's options over the design's, rendered with holes for secrets."""

from __future__ import annotations

from collections.abc import Mapping

from wallcloud.catalog.place import Place
from wallcloud.node.resources import File
from wallcloud.node.secret import Secret, Text

Setting = str | int | float | bool | tuple[str, ...] | Secret
Settings = Mapping[str, Mapping[str, Setting]]
"""group → option → value."""


def config(place: Place, path: str, settings: Settings, *, reason: str) -> File:
    """The file of a component's settings, readable by its account alone."""
    return File(
        path=path,
        content=render(merged(settings, place.options())),
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
            whole.setdefault(group, {})[option] = tuple(value) if isinstance(value, list) else value
    return whole


def render(settings: Settings) -> Text:
    """The text of an oslo.config file (ini with `=`; `$` doubled, because oslo.config substitutes)."""
    parts: list[str | Secret] = ["# Written by Wallcloud; changes made here are taken back by the next apply.\n"]
    for group, values in settings.items():
        parts.append(f"\n[{group}]\n")
        for option, value in values.items():
            parts.append(f"{option} = ")
            parts.append(value if isinstance(value, Secret) else _text(value))
            parts.append("\n")
    return _joined(parts)


def _text(value: Setting) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).replace("$", "$$")


def _joined(parts: list[str | Secret]) -> Text:
    joined: list[str | Secret] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined) if any(isinstance(part, Secret) for part in joined) else str(joined[0])
