"""Neutron's RPC server: it answers the agents."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron, openstack
from wallcloud.catalog.component import Account, Call, Component, Limit
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.rabbitmq import CONSUMED
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "neutron-rpc"
ACCOUNT = Account(NAME, 652)
_READY = ("/usr/bin/python3", "-I", CONSUMED, neutron.BUS, "q-plugin", "q-reports-plugin")


def limits(given: LimitInput) -> Iterator[Limit]:
    """Database connections: the parent and its worker."""
    yield neutron.connections(NAME, 2)


def resources(place: Place) -> Iterator[Resource]:
    """What every worker of Neutron's has."""
    yield from neutron.worker(place, "neutron-rpc-server", _READY)


COMPONENT = Component(
    name=NAME,
    title="Neutron's RPC server",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    uses=(neutron.DATABASE,),
    bus=neutron.BUS,
    user=neutron.USER,
    environment=True,
    program="neutron",
    derived=neutron.DERIVED,
    calls=(Call("mariadb", "socket", "its database", same_node=True), bus.CALL, openstack.TOKENS),
    after=("neutron-database", "plugins"),
    resources=resources,
)
