"""Limits: every number of the cloud, derived from site and facts, with its arithmetic."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Protocol, cast

from wallcloud.catalog.component import Component, Limit
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.given import LimitInput
from wallcloud.design.order import in_order
from wallcloud.site.model import Site


class HasLimits(Protocol):
    """A catalog file that derives numbers."""

    def limits(self, given: LimitInput) -> Iterable[Limit]: ...


def derive(
    site: Site,
    facts: Mapping[str, NodeFacts],
    placed: Mapping[str, tuple[str, ...]],
    catalog: Mapping[str, Component],
) -> tuple[Limit, ...]:
    """Every limit: clients' before servers', because a server's number is the sum of its clients'."""
    found: dict[str, Limit] = {}
    for name in reversed(in_order(catalog, tuple(placed))):
        module = importlib.import_module(f"wallcloud.catalog.{name.replace('-', '_')}")
        if hasattr(module, "limits"):
            given = LimitInput(site, facts, placed, catalog, found)
            for limit in cast(HasLimits, module).limits(given):
                found[f"{limit.component}.{limit.name}"] = limit
    return tuple(sorted(found.values(), key=lambda limit: (limit.component, limit.name)))
