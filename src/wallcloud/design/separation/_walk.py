"""Short words for what several rules ask of the catalog."""

from collections.abc import Iterator

from wallcloud.catalog.component import Component, Listen
from wallcloud.design.separation._frame import Catalog
from wallcloud.site.model import Kind, Role

STANDS: dict[Role, frozenset[Kind]] = {
    Role.CONTROL: frozenset({Kind.MANAGEMENT}),
    Role.API: frozenset({Kind.MANAGEMENT, Kind.PUBLIC}),
    Role.NETWORK: frozenset({Kind.MANAGEMENT, Kind.OVERLAY}),
    Role.COMPUTE: frozenset({Kind.MANAGEMENT, Kind.OVERLAY}),
}
"""Where a node of each role has an address of its own."""


def listeners(catalog: Catalog) -> Iterator[tuple[Component, Listen, tuple[Role, ...]]]:
    """Every (component, listener, roles of the nodes where it listens)."""
    for component in catalog.values():
        for listen in component.listens:
            yield component, listen, tuple(role for role in component.roles if role in listen.roles)


def where(listen: Listen) -> str:
    """`https (tcp/443)`."""
    return f"{listen.name} ({listen.path or '/'.join(str(each) for each in (listen.protocol, listen.port) if each)})"
