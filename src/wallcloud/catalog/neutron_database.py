"""Neutron's database and its schema."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import database, neutron, openstack, oslo
from wallcloud.catalog.component import Account, Call, Component, Database
from wallcloud.catalog.place import Place
from wallcloud.catalog.schema_heads import heads
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ACCOUNT = Account("neutron-schema", 654)
FOLDER = "/etc/wallcloud/neutron-database"
CONFIG = f"{FOLDER}/neutron.conf"


def resources(place: Place) -> Iterator[Resource]:
    """Database, accounts, schema."""
    yield r.Directory(
        path=FOLDER,
        group=ACCOUNT.group,
        mode=0o750,
        component="neutron-database",
        reason="for neutron-db-manage",
    )
    yield oslo.config(place, CONFIG, _settings(place), reason="what neutron-db-manage knows")
    yield from database.made(place)
    yield r.Schema(
        database=neutron.DATABASE,
        heads=heads(place.release.name, "neutron"),
        argv=(f"{place.environment}/bin/neutron-db-manage", "--config-file", CONFIG, "upgrade", "heads"),
        account=ACCOUNT.name,
        component="neutron-database",
        reason=f"the schema of OpenStack {place.release.name}",
    )


def _settings(place: Place) -> oslo.Settings:
    return {
        "DEFAULT": {**openstack.logging(), "core_plugin": "ml2"},
        "database": {"connection": database.url(place, neutron.DATABASE)},
    }


COMPONENT = Component(
    name="neutron-database",
    title="Neutron's database",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    databases=(Database(neutron.DATABASE, ACCOUNT),),
    environment=True,
    program="neutron",
    derived=("database.connection", "default.core_plugin"),
    calls=(Call("mariadb", "socket", "schema changes", same_node=True),),
    resources=resources,
)
