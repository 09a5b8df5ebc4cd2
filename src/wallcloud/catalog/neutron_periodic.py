"""Neutron's periodic workers: they look after agents, leases and quotas.

No port gets up or down by them, so there is nothing to tell Nova: they have no user in Keystone, and no way to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron
from wallcloud.catalog.component import Account, Call, Component, Limit
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "neutron-periodic"
ACCOUNT = Account(NAME, 653)


def limits(given: LimitInput) -> Iterator[Limit]:
    """Database connections: the parent and its worker."""
    yield neutron.connections(NAME, 2)


def resources(place: Place) -> Iterator[Resource]:
    """What every worker of Neutron's has."""
    yield from neutron.worker(place, "neutron-periodic-workers")


COMPONENT = Component(
    name=NAME,
    title="Neutron's periodic workers",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    uses=(neutron.DATABASE,),
    bus=neutron.BUS,
    environment=True,
    program="neutron",
    derived=neutron.DERIVED,
    calls=(Call("mariadb", "socket", "its database", same_node=True), bus.CALL),
    after=("neutron-database", "plugins"),
    resources=resources,
)
