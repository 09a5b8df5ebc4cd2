"""Asks all nodes at once, as root: one that does not answer is an expectation that fails, and no end of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.hands import ARGV, Hands, Trouble

AT_ONCE = 16
ANSWERS, NO_ANSWER = "answers", "no answer"


def each_node(part: str, nodes: Iterable[str], act: Callable[[str], Iterable[Seen]]) -> tuple[Seen, ...]:
    """What `act` sees of each node, and for each whether it could be asked at all (`PART/NODE/asked`)."""
    names = tuple(nodes)

    def one(node: str) -> tuple[Seen, ...]:
        probe = Probe(
            f"{part}/{node}/asked", node, ANSWERS, "the node tells what only root on it can see", {}, source=node
        )
        try:
            return (Seen(probe, ANSWERS), *act(node))
        except Trouble as error:
            return (Seen(probe, NO_ANSWER, " | ".join((error.what, *error.output))),)

    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(names)))) as pool:
        return tuple(seen for part_ in pool.map(one, names) for seen in part_)


def hands_on(cloud: Cloud, node: str, program: tuple[ModuleType, ...]) -> Hands:
    """A program on a node, as root; what it is asked comes by standard input. Raises Trouble."""
    return Hands(node, cloud.on_node(node, list(ARGV)), program)


def asked(cloud: Cloud, node: str, program: tuple[ModuleType, ...], kind: str, **args: Any) -> Any:
    """The answer to one question of a node. Raises Trouble with what the other side said."""
    with hands_on(cloud, node, program) as hands:
        return hands.call(kind, **args)
