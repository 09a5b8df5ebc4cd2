"""Asks all nodes at once, as root, by a program that is started there for one question."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

from wallcloud.verify.cloud import Cloud
from wallcloud.verify.hands import ARGV, Hands

AT_ONCE = 16


def ask_nodes(
    cloud: Cloud,
    program: tuple[ModuleType, ...],
    kind: str,
    args: Callable[[str], dict[str, Any]],
    nodes: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Node → what it answered to a call of `kind` with `args(node)`; by standard input, so secrets of a node may be in
    it. Raises Trouble with what the other side said."""
    names = tuple(cloud.design.site.nodes if nodes is None else nodes)

    def ask(node: str) -> Any:
        with Hands(node, cloud.on_node(node, list(ARGV)), program) as hands:
            return hands.call(kind, **args(node))

    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(names)))) as pool:
        return dict(zip(names, pool.map(ask, names), strict=True))
