"""Milestones: readable facts on one node that others wait for.

`deploy` relays them; when a publisher fails, its waiters fail at once, saying why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

Relay = Callable[[str, dict[str, str]], None]
"""Queues a message for a node. It never waits, so what is known here changes in one step."""


class Milestones:
    """Who publishes what, who waits for it, and what became of it."""

    def __init__(self, publishers: Mapping[str, str], relay: Relay) -> None:
        """`publishers` maps a milestone to the node that publishes it."""
        self._publishers = publishers
        self._relay = relay
        self._reached: set[str] = set()
        self._failed: dict[str, str] = {}
        self._waiting: dict[str, set[str]] = defaultdict(set)

    def reached(self, name: str) -> None:
        """A milestone was read as true."""
        if name in self._reached:
            return
        self._reached.add(name)
        for node in sorted(self._waiting.pop(name, ())):
            self._relay(node, {"op": "milestone", "name": name})

    def wait(self, node: str, names: tuple[str, ...]) -> None:
        """A node waits: it is told at once what is known already."""
        for name in names:
            if name in self._reached:
                self._relay(node, {"op": "milestone", "name": name})
            elif name in self._failed:
                self._relay(node, {"op": "milestone-failed", "name": name, "why": self._failed[name]})
            elif name not in self._publishers:
                self._relay(node, {"op": "milestone-failed", "name": name, "why": "no node publishes it"})
            else:
                self._waiting[name].add(node)

    def failed(self, name: str, why: str) -> None:
        """A publisher says that it will not come in this run; the waiters are told why, at once."""
        if name not in self._reached and name not in self._failed:
            self._failed[name] = why
            for waiter in sorted(self._waiting.pop(name, ())):
                self._relay(waiter, {"op": "milestone-failed", "name": name, "why": why})

    def over(self, node: str, why: str) -> None:
        """A node is done: what it has not published it will not publish; the waiters are told why."""
        for name, publisher in self._publishers.items():
            if publisher == node:
                self.failed(name, why)
