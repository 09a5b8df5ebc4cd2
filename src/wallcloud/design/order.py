"""Order: components on one node by their calls, and the merged graph of order and milestones over all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from wallcloud.catalog.component import Component
from wallcloud.node.resource import Resource
from wallcloud.node.spec import Spec


class OrderError(Exception):
    """Waiting in a circle. It is a mistake in the catalog, not in the site."""


def in_order(catalog: Mapping[str, Component], names: tuple[str, ...]) -> tuple[str, ...]:
    """`names` so that a server comes before its clients on the same node. Raises OrderError."""
    sorter = TopologicalSorter(before(catalog, names))
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        raise OrderError(f"components wait for each other: {' → '.join(error.args[1])}") from error


def before(catalog: Mapping[str, Component], names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """For each of `names`, which stand on one node, the others whose resources must be done before its own begin."""
    here = set(names)
    return {
        name: tuple(
            sorted(({str(call.to) for call in it.calls if call.orders} | {*it.after, *it.follows}) & here - {name})
        )
        for name, it in ((name, catalog[name]) for name in sorted(names))
    }


def check_order(specs: Mapping[str, Spec]) -> None:
    """Checks that no node can wait for ever: the graph of each node's order and all milestones has no cycle.

    The order is the partial one that converge keeps: a part's resources one after the other, each part behind those
    that it stands on. Raises OrderError with the circle, or where a milestone is awaited that nobody publishes.
    """
    publishers: dict[str, _Step] = {}
    for node, spec in specs.items():
        for part, indices in spec.ranges():
            for index in indices:
                for name in spec.resources[index].publishes:
                    if name in publishers:
                        raise OrderError(f"two resources publish {name!r}")
                    publishers[name] = (node, part.name, index)
    sorter: TopologicalSorter[_Step] = TopologicalSorter()
    for node, spec in specs.items():
        for part, indices in spec.ranges():
            begin, end = (node, part.name, -1), (node, part.name, len(spec.resources))
            sorter.add(begin, *((node, name, len(spec.resources)) for name in part.after))
            # Only resources that take part in milestones are steps; between them the part's order is the edge.
            previous = begin
            for index in indices:
                resource = spec.resources[index]
                if resource.publishes or resource.awaits:
                    step = (node, part.name, index)
                    sorter.add(step, previous, *_awaited(node, resource, publishers))
                    previous = step
            sorter.add(end, previous)
    try:
        sorter.prepare()
    except CycleError as error:
        steps = [(node, index) for node, _, index in error.args[1] if 0 <= index < len(specs[node].resources)]
        # The circle may have been cut open at a part's end.
        shown = steps if steps[0] == steps[-1] else [*steps, steps[0]]
        circle = " → ".join(f"{node} {specs[node].resources[index].name}" for node, index in shown)
        raise OrderError(f"nodes wait for each other: {circle}") from error


_Step = tuple[str, str, int]
"""Node, part and resource; -1 and one past the last resource stand for the part's begin and end."""


def _awaited(node: str, resource: Resource, publishers: Mapping[str, _Step]) -> list[_Step]:
    for name in resource.awaits:
        if name not in publishers:
            raise OrderError(f"{node} {resource.kind} {resource.name} awaits {name!r}, which nobody publishes")
    return [publishers[name] for name in resource.awaits]
