"""What a catalog file's `limits(given)` works with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from wallcloud.catalog.component import Component, Limit
from wallcloud.frozen import frozen
from wallcloud.site.model import Site

if TYPE_CHECKING:
    from wallcloud.catalog.facts import NodeFacts


@frozen
class LimitInput:
    """What a component's `limits(given)` works with. `so_far` holds the limits of components before it, by name."""

    site: Site
    facts: Mapping[str, NodeFacts]
    placed: Mapping[str, tuple[str, ...]]
    catalog: Mapping[str, Component]
    so_far: Mapping[str, Limit]

    def cores(self, component: str) -> int:
        """The fewest cores of the nodes that run `component`."""
        return min((self.facts[node].cores for node in self.placed.get(component, ())), default=1)

    def total(self, suffix: str) -> Iterable[Limit]:
        """Every limit so far named `<component>.<suffix>`."""
        return [limit for limit in self.so_far.values() if limit.name == suffix]
