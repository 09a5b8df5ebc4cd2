"""APIs are reached through the doors alone."""

from collections.abc import Iterator

from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.design.separation._walk import where


def _check(catalog: Catalog) -> Iterator[Breach]:
    for component in catalog.values():
        for listen in component.listens:
            if component.api is not None and listen.network is not None:
                text = f"the {component.api.type} API listens on {listen.network} by itself: {where(listen)}"
                yield Breach(component.name, "listens", text)


RULE = CatalogRule(
    id="apis-behind-doors",
    forbids="an API that listens on a network by itself",
    why="the doors hold TLS, refuse admins' tokens from outside and know who may call; a second way goes round them",
    mend="listen on a socket of the node: the doors serve every component that declares an Api",
    check=_check,
)
