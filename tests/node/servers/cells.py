"""Nova's cell mappings in the machine's MariaDB, as a spec, and what a hand does to them."""

import shlex
from collections.abc import Callable
from typing import Protocol

from wallcloud.catalog.schema_heads import heads
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Account, Database, DatabaseAccount, File, Group, NovaCells, Schema

ACCOUNT = "nova-schema"
CONFIG = "/etc/wct/nova.conf"
SETTINGS = """[DEFAULT]
transport_url = rabbit://nova-schema%40test@localhost:5671/nova
[database]
connection = mysql+pymysql:///nova?unix_socket={socket}&charset=utf8mb3
[api_database]
connection = mysql+pymysql:///nova_api?unix_socket={socket}&charset=utf8mb3
"""
WANTED = {
    "cell0": ("none:///", "{scheme}:///nova_cell0?{query}"),
    "cell1": ("{scheme}://{username}@{hostname}:{port}/{path}", "{scheme}:///{path}?{query}"),
}


class Place(Protocol):
    def run(self, script: str, *, check: bool = True) -> str: ...


def resources(release: str, environment: str, socket: str) -> tuple[Resource, ...]:
    """The API's database, its schema, the cells."""
    manage = (f"{environment}/bin/nova-manage", "--config-file", CONFIG)
    return (
        Group(group=ACCOUNT, gid=646),
        Account(account=ACCOUNT, uid=646, group=ACCOUNT),
        File(path=CONFIG, content=SETTINGS.format(socket=socket)),
        Database(database="nova_api"),
        DatabaseAccount(user=ACCOUNT, grants=("ALL PRIVILEGES ON `nova_api`.*",)),
        Schema(
            database="nova_api", heads=heads(release, "nova_api"), argv=(*manage, "api_db", "sync"), account=ACCOUNT
        ),
        NovaCells(
            argv=manage,
            account=ACCOUNT,
            cell0_database=WANTED["cell0"][1],
            cell_transport=WANTED["cell1"][0],
            cell_database=WANTED["cell1"][1],
        ),
    )


def by_hand(statement: str) -> Callable[[Place, Resource, object], None]:
    """A statement on the API's database."""

    def act(place: Place, resource: Resource, secrets: object) -> None:
        place.run(f"mariadb nova_api -e {shlex.quote(statement)}")

    return act


TWICE = (
    "INSERT INTO cell_mappings (created_at, uuid, name, transport_url, database_connection, disabled)"
    " SELECT NOW(), UUID(), name, transport_url, database_connection, 0 FROM cell_mappings WHERE name = 'cell1'"
)
"""As when converge dies while its nova-manage goes on, and the next one makes the cell, too."""

TABLE = {
    (NovaCells.kind, "cell0"): by_hand("UPDATE cell_mappings SET database_connection = 'x' WHERE name = 'cell0'"),
    (NovaCells.kind, "cell1"): by_hand("UPDATE cell_mappings SET disabled = 1 WHERE name = 'cell1'"),
    (NovaCells.kind, "others"): by_hand(TWICE),
}
