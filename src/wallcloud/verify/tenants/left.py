"""What is left on every node when everything was taken away: its whole inventory before and after."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

from wallcloud.site.model import Role, Site
from wallcloud.verify.hands import Hands, Trouble, at_once
from wallcloud.verify.tenants.client import until
from wallcloud.verify.tenants.ledger import Check, Outcome

Inventory = dict[str, list[str]]
SETTLE_SECONDS, REST_SECONDS = 90.0, 20.0
_LINE = 200
_EVERYWHERE = ("namespaces", "devices", "rules", "programs", "files")
_SWITCHED = ("ports", "flows")
_BY_ROLE = {
    Role.CONTROL: ("queues", "rows"),
    Role.NETWORK: _SWITCHED,
    Role.COMPUTE: (*_SWITCHED, "domains"),
}
_MOVES = {
    Role.CONTROL: ("rows",),
    Role.NETWORK: ("namespaces", "ports", "flows", "programs", "files"),
    Role.COMPUTE: ("devices", "ports", "flows", "domains", "programs", "files"),
}
"""What must be seen to change while tenants have VMs: who sees no change there would see nothing left either."""
_TUNNEL = re.compile(r"br-tun vxlan-[0-9a-f]{8}")
"""A port that Neutron's agent of the switch has for as long as both ends share a tenant's network. One that is there
before was forgotten by an agent that died, and goes with the next such network: that is no harm."""


def kinds(site: Site, node: str) -> tuple[str, ...]:
    """What is looked at on a node."""
    found = [kind for role in site.nodes[node].roles for kind in _BY_ROLE.get(role, ())]
    return tuple(dict.fromkeys((*_EVERYWHERE, *found)))


def moving(site: Site, node: str) -> tuple[str, ...]:
    """What tenants' VMs and networks change there."""
    return tuple(dict.fromkeys(kind for role in site.nodes[node].roles for kind in _MOVES.get(role, ())))


def take(site: Site, nodes: Mapping[str, Hands]) -> dict[str, Inventory]:
    """The inventory of every node. Raises Trouble."""

    def one(node: str) -> Inventory:
        return dict(nodes[node].call("inventory", kinds=list(kinds(site, node))))

    return at_once(nodes, one)


def difference(before: list[str], after: list[str]) -> str:
    """What came (+) and what went (-), "" where nothing did; tunnels that went aside."""
    came, went = Counter(after) - Counter(before), Counter(before) - Counter(after)
    marked = [f"+{line}" for line in sorted(came.elements())]
    marked += [f"-{line}" for line in sorted(went.elements()) if not _TUNNEL.fullmatch(line)]
    # A guest's command line alone has 4000 characters.
    return "; ".join(f"{line[:_LINE]}…" if len(line) > _LINE else line for line in marked)


def unlike(before: Inventory, later: Inventory) -> dict[str, str]:
    """Kind → what came and what went since; empty where all is as before."""
    return {kind: said for kind, lines in before.items() if (said := difference(lines, later[kind]))}


def settled(site: Site, nodes: Mapping[str, Hands]) -> dict[str, Inventory]:
    """The inventory as soon as two looks, one after the other, see the same: agents end their work by themselves, and
    programs that only look something up are no part of a node. Where nodes do not come to rest, the last look."""
    last: dict[str, Inventory] | None = None
    trouble: Trouble | None = None

    def look() -> dict[str, Inventory] | None:
        nonlocal last, trouble
        before, last = last, None
        try:
            last = take(site, nodes)
        except Trouble as error:
            trouble = error  # as in `after`
        return last if before == last else None

    try:
        return until("the nodes do not come to rest", REST_SECONDS, look)
    except Trouble as late:
        if last is None:
            raise trouble or late from None
        return last


def after(site: Site, nodes: Mapping[str, Hands], before: Mapping[str, Inventory]) -> dict[str, Inventory]:
    """The inventory as soon as it is as before, else the last one that was seen; a node that tells none is left out.

    Raises Trouble where no node tells one.
    """
    seen: dict[str, Inventory] = {}
    trouble: Trouble | None = None

    def rests(node: str) -> bool:
        """Whether it is as before; then it is not asked again."""
        return node in seen and not unlike(before[node], seen[node])

    def look() -> bool | None:
        nonlocal trouble
        for node in [node for node in nodes if not rests(node)]:
            try:
                seen.update(take(site, {node: nodes[node]}))
            except Trouble as error:
                # A namespace that goes between two looks, a switch that is being started: looked at again.
                trouble = error
        return True if all(rests(node) for node in nodes) else None

    try:
        until("something is left", SETTLE_SECONDS, look)
    except Trouble as late:
        if not seen:
            raise trouble or late from None
    return seen


def checks(
    site: Site, before: Mapping[str, Inventory], during: Mapping[str, Inventory], at_end: Mapping[str, Inventory]
) -> Iterator[Check]:
    """One expectation for each kind on each node."""

    def differs(other: Mapping[str, Inventory], node: str, kind: str) -> Outcome:
        if node not in before or node not in other:
            raise Trouble("its inventory could not be taken", where=node)
        found = difference(before[node][kind], other[node][kind])
        return ("changed", found[:1500]) if found else "as before"

    for node in site.nodes:
        for kind in moving(site, node):
            yield Check(
                f"inventory/{node}/{kind}/moves",
                node,
                "changed",
                f"tenants' things are seen among its {kind}",
                partial(differs, during, node, kind),
            )
        for kind in kinds(site, node):
            yield Check(
                f"inventory/{node}/{kind}/left",
                node,
                "as before",
                f"nothing of the tenants is left among its {kind}",
                partial(differs, at_end, node, kind),
                negative=True,
            )
