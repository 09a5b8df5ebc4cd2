"""Order: components on one node by their calls, and the merged graph of order and milestones over all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from wallcloud.catalog.component import Component
from wallcloud.node.spec import Spec


class OrderError(Exception):
    """Waiting in a circle. It is a mistake in the catalog, not in the site."""


def in_order(catalog: Mapping[str, Component], names: tuple[str, ...]) -> tuple[str, ...]:
    """`names` so that a server comes before its clients on the same node. Raises OrderError."""
    here = set(names)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(names):
        component = catalog[name]
        # Only calls within the node order it: a call over the network waits by milestone, or not at all.
        before = {str(call.to) for call in component.calls if call.same_node or component.name != call.to}
        sorter.add(name, *sorted((before | set(component.after)) & here - {name}))
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        raise OrderError(f"components wait for each other: {' → '.join(error.args[1])}") from error


def check_order(specs: Mapping[str, Spec]) -> None:
    """Checks that no node can wait for ever: the graph of each node's order and all milestones has no cycle.

    Raises OrderError with the circle, or where a milestone is awaited that nobody publishes.
    """
    publishers: dict[str, tuple[str, int]] = {}
    for node, spec in specs.items():
        for index, resource in enumerate(spec.resources):
            for name in resource.publishes:
                if name in publishers:
                    raise OrderError(f"two resources publish {name!r}")
                publishers[name] = (node, index)
    sorter: TopologicalSorter[tuple[str, int]] = TopologicalSorter()
    for node, spec in specs.items():
        # Only resources that take part in milestones are vertices; between them the list's order is the edge.
        previous: tuple[str, int] | None = None
        for index, resource in enumerate(spec.resources):
            if not (resource.publishes or resource.awaits):
                continue
            vertex = (node, index)
            missing = [name for name in resource.awaits if name not in publishers]
            if missing:
                raise OrderError(
                    f"{node} {resource.kind} {resource.name} awaits {missing[0]!r}, which nobody publishes"
                )
            sorter.add(vertex, *(publishers[name] for name in resource.awaits))
            if previous:
                sorter.add(vertex, previous)
            previous = vertex
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(f"{node} {specs[node].resources[index].name}" for node, index in error.args[1])
        raise OrderError(f"nodes wait for each other: {circle}") from error
