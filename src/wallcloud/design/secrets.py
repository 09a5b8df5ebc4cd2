"""Which secrets a resource has holes for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from wallcloud.node.secret import Secret


def holes(value: object) -> Iterator[Secret]:
    """Every Secret inside a resource, however deep."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from holes(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from holes(getattr(value, each.name))
