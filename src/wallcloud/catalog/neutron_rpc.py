"""Neutron's RPC server: it answers the agents."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron, openstack, oslo, plugins, tls
from wallcloud.catalog.component import Account, Call, Component, Limit
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.rabbitmq import CONSUMED
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "neutron-rpc"
ACCOUNT = Account(NAME, 652)
FOLDER = neutron.folder(NAME)
CONFIG = f"{FOLDER}/neutron.conf"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Database connections: the parent and its worker."""
    yield neutron.connections(NAME, 2)


def resources(place: Place) -> Iterator[Resource]:
    """Folder, certificate, settings, the unit."""
    yield r.Directory(path=FOLDER, group=ACCOUNT.group, mode=0o750, component=NAME, reason="its configuration")
    yield tls.client_certificate(place, reason="its login at the bus")
    yield oslo.config(place, CONFIG, neutron.settings(place), reason=f"{COMPONENT.title}'s settings")
    yield openstack.daemon(
        place,
        program="neutron-rpc-server",
        config=(CONFIG,),
        description="Neutron's RPC server",
        restart_on=plugins.paths("flat_guard.py"),
        ready=("/usr/bin/python3", "-I", CONSUMED, neutron.BUS, "q-plugin", "q-reports-plugin"),
        lines=(
            f"RuntimeDirectory=wallcloud-{NAME}",
            f"Environment=PYTHONPATH={plugins.FOLDER}",
        ),
    )


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
