"""Nova's conductor: it alone reads the databases for the computes."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, nova, openstack, oslo
from wallcloud.catalog.component import Account, Call, Component, Limit
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "nova-conductor"
ACCOUNT = Account(NAME, 643)


def limits(given: LimitInput) -> Iterator[Limit]:
    """Database connections of its one process."""
    yield nova.connections(NAME, 1)


def resources(place: Place) -> Iterator[Resource]:
    """What every worker of Nova's has."""
    yield from nova.worker(place, "conductor", settings(place))


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    return oslo.together(
        nova.settings(place),
        nova.with_cells(place),
        {"conductor": {"workers": 1}},
    )


COMPONENT = Component(
    name=NAME,
    title="Nova's conductor",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    uses=(nova.API, nova.MAIN, nova.CELL0),
    bus=nova.BUS,
    user=nova.USER,
    environment=True,
    program="nova",
    derived=(*nova.DERIVED, *nova.DERIVED_CELLS),
    calls=(Call("mariadb", "socket", "its databases", same_node=True), bus.CALL, openstack.TOKENS),
    # It asks Placement while it starts, and ends where that does not know it.
    after=("nova-database", "identity", "placement"),
    resources=resources,
)
