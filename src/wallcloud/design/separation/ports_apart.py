"""A port of a node has one owner."""

from collections.abc import Iterator

from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.design.separation._walk import listeners, where
from wallcloud.site.model import Kind, Role


def _check(catalog: Catalog) -> Iterator[Breach]:
    owners: dict[tuple[Role, Kind | None, str, int | str], tuple[str, str]] = {}
    for component, listen, roles in listeners(catalog):
        said: set[str] = set()
        for role in roles:
            key = (role, listen.network, "" if listen.path else listen.protocol, listen.path or listen.port or 0)
            owner, name = owners.setdefault(key, (component.name, listen.name))
            if (owner, name) != (component.name, listen.name) and owner not in said:
                said.add(owner)
                yield Breach(component.name, "listens", f"{where(listen)} at {role} nodes is {owner}'s {name} already")


RULE = CatalogRule(
    id="ports-apart",
    forbids="two listeners on one port, or one socket, of a node's network",
    why="whoever comes first has it, and what is meant for one component with its walls arrives at the other",
    mend="take another port; `wallcloud show flows --port` tells whose it is",
    check=_check,
)
