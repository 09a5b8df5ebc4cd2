"""Nova's databases: the API's, the cell's and cell 0's; their schema and the cells' mappings, which hold no secret."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, database, nova, openstack, oslo
from wallcloud.catalog.component import Account, Call, Component, Database
from wallcloud.catalog.place import Place
from wallcloud.catalog.schema_heads import heads
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ACCOUNT = Account("nova-schema", 646)
FOLDER = "/etc/wallcloud/nova-database"
_HEADS = {nova.API: "nova_api", nova.MAIN: "nova", nova.CELL0: "nova"}


def resources(place: Place) -> Iterator[Resource]:
    """Databases, accounts, schemas, cells."""
    yield r.Directory(
        path=FOLDER, group=ACCOUNT.group, mode=0o750, component="nova-database", reason="what nova-manage reads"
    )
    for name in (nova.MAIN, nova.CELL0):
        yield oslo.config(place, config(name), _settings(place, name), reason=f"what nova-manage knows of {name}")
    yield from database.made(place)
    for name in (nova.API, nova.CELL0, nova.MAIN):
        yield r.Schema(
            database=name,
            heads=heads(place.release.name, _HEADS[name]),
            argv=(*manage(place, name), *(("api_db", "sync") if name == nova.API else ("db", "sync", "--local_cell"))),
            account=ACCOUNT.name,
            component="nova-database",
            reason=f"the schema of OpenStack {place.release.name}",
        )
    yield r.NovaCells(
        argv=manage(place, nova.MAIN),
        account=ACCOUNT.name,
        # Each daemon fills these from its own settings: no account of one stands where another reads it.
        cell0_database=f"{{scheme}}:///{nova.CELL0}?{{query}}",
        cell_database="{scheme}:///{path}?{query}",
        cell_transport="{scheme}://{username}@{hostname}:{port}/{path}",
        component="nova-database",
        reason="where the cells are; without secrets, each daemon fills in its own",
    )


def config(name: str) -> str:
    """nova-manage's file for one of the two databases that have a cell's tables."""
    return f"{FOLDER}/{name}.conf"


def manage(place: Place, name: str) -> tuple[str, ...]:
    """nova-manage with the settings of one of the databases; it runs as ACCOUNT."""
    file = config(nova.CELL0 if name == nova.CELL0 else nova.MAIN)
    return (f"{place.environment}/bin/nova-manage", "--config-file", file)


def _settings(place: Place, name: str) -> oslo.Settings:
    return {
        # Nothing connects to the bus here: nova-manage judges the cell's template by it.
        "DEFAULT": {**openstack.logging(), "transport_url": bus.address(place, nova.BUS)},
        "database": {"connection": database.url(place, name)},
        "api_database": {"connection": database.url(place, nova.API)},
    }


COMPONENT = Component(
    name="nova-database",
    title="Nova's databases",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    databases=tuple(Database(name, ACCOUNT) for name in (nova.API, nova.CELL0, nova.MAIN)),
    environment=True,
    program="nova",
    derived=("api_database.connection", "database.connection", "default.transport_url"),
    calls=(Call("mariadb", "socket", "schema changes and cells", same_node=True),),
    resources=resources,
)
