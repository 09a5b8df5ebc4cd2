"""Nova's cell and host mappings in the machine's MariaDB, as a spec, and what a hand does to them."""

import shlex
from collections.abc import Callable
from typing import Protocol

from wallcloud.catalog.schema_heads import heads
from wallcloud.node.resource import Resource
from wallcloud.node.resources import (
    Account,
    Database,
    DatabaseAccount,
    File,
    Group,
    NovaCells,
    NovaHost,
    Schema,
    Task,
)

ACCOUNT = "nova-schema"
CONFIG = "/etc/wct/nova.conf"
SETTINGS = """[DEFAULT]
transport_url = rabbit://nova-schema%40test@localhost:5671/nova
[database]
connection = mysql+pymysql:///nova?unix_socket={socket}&ssl_disabled=true&charset=utf8mb3
[api_database]
connection = mysql+pymysql:///nova_api?unix_socket={socket}&ssl_disabled=true&charset=utf8mb3
"""
WANTED = {
    "cell0": ("none:///", "{scheme}:///nova_cell0?{query}"),
    "cell1": ("{scheme}://{username}@{hostname}:{port}/{path}", "{scheme}:///{path}?{query}"),
}


REGISTERED = """
INSERT INTO services (created_at, deleted, host, `binary`, topic, report_count, disabled, forced_down, version, uuid)
    VALUES (NOW(), 0, 'compute1', 'nova-compute', 'compute', 1, 0, 0, 68, UUID())
"""
"""What nova-compute's start leaves."""


class Place(Protocol):
    def run(self, script: str, *, check: bool = True) -> str: ...


def resources(release: str, environment: str, socket: str) -> tuple[Resource, ...]:
    """The API's and the cell's database, their schemas, the cells, a host."""
    manage = (f"{environment}/bin/nova-manage", "--config-file", CONFIG)
    databases = (("nova_api", "nova_api", ("api_db", "sync")), ("nova", "nova", ("db", "sync", "--local_cell")))
    return (
        Group(group=ACCOUNT, gid=646),
        Account(account=ACCOUNT, uid=646, group=ACCOUNT),
        File(path=CONFIG, content=SETTINGS.format(socket=socket)),
        *(Database(database=name) for name, _, _ in databases),
        DatabaseAccount(user=ACCOUNT, grants=tuple(f"ALL PRIVILEGES ON `{name}`.*" for name, _, _ in databases)),
        *(
            Schema(database=name, heads=heads(release, program), argv=(*manage, *words), account=ACCOUNT)
            for name, program, words in databases
        ),
        NovaCells(
            argv=manage,
            account=ACCOUNT,
            cell0_database=WANTED["cell0"][1],
            cell_transport=WANTED["cell1"][0],
            cell_database=WANTED["cell1"][1],
        ),
        Task(
            task="a compute registers",
            argv=("sh", "-ec", f"mariadb nova -e {shlex.quote(REGISTERED)}; touch /etc/wct/registered"),
            account="root",
            creates="/etc/wct/registered",
        ),
        NovaHost(host="compute1", argv=manage, account=ACCOUNT),
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
    (NovaHost.kind, "cell"): by_hand("DELETE FROM host_mappings"),
}
