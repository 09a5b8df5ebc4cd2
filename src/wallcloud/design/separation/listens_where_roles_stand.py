"""Listeners are on networks where their nodes have addresses, and these are few."""

from collections.abc import Iterator

from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.design.separation._walk import STANDS, listeners, where


def _check(catalog: Catalog) -> Iterator[Breach]:
    for component, listen, roles in listeners(catalog):
        if listen.network is None:
            continue
        for role in roles:
            if listen.network not in STANDS[role]:
                yield Breach(component.name, "listens", f"listens on {listen.network} at {role} nodes: {where(listen)}")
    for component in catalog.values():
        for need in component.needs:
            for role in (role for role in component.roles if role in need.roles):
                if need.network not in STANDS[role]:
                    yield Breach(component.name, "needs", f"goes out to {need.who} over {need.network} at {role} nodes")


RULE = CatalogRule(
    id="listens-where-roles-stand",
    forbids="a listener, or a way out, where nodes of its role have no address; control has one on management alone",
    why="control must never be met by a tenant, public is the api node's, and floating and flat wires carry no node",
    mend="listen on management, or give the component another role",
    check=_check,
)
