"""Placement: which node has room for what. For services and admins: it passes no public door."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import database, openstack, oslo, uwsgi
from wallcloud.catalog.component import Account, Api, Call, Component, Database, Limit, Listen, ServiceUser, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.schema_heads import heads
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ACCOUNT = Account("placement", 633)
SCHEMA_ACCOUNT = Account("placement-schema", 634, groups=("placement",))
FOLDER = "/etc/wallcloud/placement"
CONFIG = f"{FOLDER}/placement.conf"
SOCKET = "/run/wallcloud/placement.sock"
_POOL = 2


def limits(given: LimitInput) -> Iterator[Limit]:
    """Processes and database connections."""
    processes = uwsgi.processes(given, "placement")
    yield processes
    yield Limit(
        "placement",
        "database_connections",
        (Term(f"{processes.value} processes with a pool of {_POOL}", processes.value * _POOL),),
    )


def resources(place: Place) -> Iterator[Resource]:
    """Folder, database, settings, the unit."""
    yield openstack.own_folder(place)
    yield oslo.config(place, CONFIG, settings(place), reason="Placement's settings")
    yield from database.made(place)
    yield r.Schema(
        database="placement",
        heads=heads(place.release.name, "placement"),
        argv=(f"{place.environment}/bin/placement-manage", "--config-file", CONFIG, "db", "sync"),
        account=SCHEMA_ACCOUNT.name,
        component="placement",
        reason=f"the schema of OpenStack {place.release.name}",
    )
    yield from uwsgi.serve(
        place,
        module="placement.wsgi.api:application",
        folder=FOLDER,
        description="the placement API",
        probe="/",
        restart_on=(CONFIG,),
        lines=(f"Environment=OS_PLACEMENT_CONFIG_DIR={FOLDER}",),
    )


def settings(place: Place) -> oslo.Settings:
    """Placement's settings; the operator's options are laid over them."""
    return oslo.together(
        openstack.authtoken(place),
        {
            "DEFAULT": openstack.logging(),
            "api": {"auth_strategy": "keystone"},
            "placement_database": database.group(place, "placement", _POOL),
        },
    )


COMPONENT = Component(
    name="placement",
    title="Placement",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    databases=(Database("placement", SCHEMA_ACCOUNT),),
    uses=("placement",),
    api=Api("placement", "placement", "/placement", SOCKET, public=False),
    user=ServiceUser("placement"),
    environment=True,
    program="placement",
    derived=(*openstack.DERIVED_TOKENS, *openstack.derived_database("placement_database"), "api.auth_strategy"),
    listens=(Listen("wsgi", None, path=SOCKET, authentication="the socket's owner", encryption="the node's kernel"),),
    calls=(
        Call("mariadb", "socket", "its database", same_node=True),
        Call("mariadb", "socket", "schema changes", account=SCHEMA_ACCOUNT, same_node=True),
        openstack.TOKENS,
    ),
    resources=resources,
)
