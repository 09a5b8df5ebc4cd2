"""Where each database's schema ends in a release: the Alembic heads, made by `make tables` and committed."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

Heads = tuple[tuple[str, tuple[str, ...]], ...]
"""((version table, (revision, …)), …)"""


@cache
def _table(release: str) -> dict[str, dict[str, list[str]]]:
    text = (resources.files("wallcloud.build.release") / f"heads-{release}.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, list[str]]] = json.loads(text)
    return table


def heads(release: str, program: str) -> Heads:
    """The revisions that a program's database stands at when its schema is the release's. Raises KeyError."""
    return tuple((table, tuple(sorted(revisions))) for table, revisions in sorted(_table(release)[program].items()))
