"""Components talk to each other on management."""

from collections.abc import Iterator

from wallcloud.catalog.component import Listen
from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.design.separation._walk import where
from wallcloud.site.model import Kind


def _check(catalog: Catalog) -> Iterator[Breach]:
    for component in catalog.values():
        for call in component.calls:
            server = catalog.get(str(call.to))
            listen = next((each for each in server.listens if each.name == call.listen), None) if server else None
            # What is not there is a mistake that flows tell of.
            if listen is None or call.same_node or listen.network in (None, Kind.MANAGEMENT):
                continue
            if not (call.neighbours and _tunnel(listen)):
                text = f"calls {where(listen)} of {call.to} over {listen.network}"
                yield Breach(component.name, "calls", text)


def _tunnel(listen: Listen) -> bool:
    return (listen.network, listen.protocol, listen.port) == (Kind.OVERLAY, "udp", 4789)


RULE = CatalogRule(
    id="calls-on-management",
    forbids="a call from one component to another over public or the overlay, VXLAN (RFC 7348) between peers apart",
    why="each kind of traffic has one network and nothing else rides there: others listen on public and the overlay",
    mend="let the server listen on management, or on a socket of the node",
    check=_check,
)
