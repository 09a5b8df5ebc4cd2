"""A component's databases: who owns them, who reads and writes in them, and the URL by which each finds them.

On MariaDB's own node clients come by the unix socket and the kernel names their account. From elsewhere they come by
mutual TLS, with a password and the certificate that `Component.actor` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wallcloud.catalog import tls
from wallcloud.catalog.component import Component, Database
from wallcloud.catalog.oslo import Joined, Setting
from wallcloud.catalog.place import Place, actor
from wallcloud.catalog.rotation import hole
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Kind

SOCKET = "/run/mysqld/mysqld.sock"
PORT = 3306
_SERVES = "SELECT, INSERT, UPDATE, DELETE"
# PyMySQL drops the CA and the client certificate where ssl_verify_cert or ssl_verify_identity are named.
_TLS = "ssl_ca={ca}&ssl_cert={certificate}&ssl_key={key}&ssl_check_hostname=true"


def password(component: str, node: str) -> str:
    """The name of the secret that is a component's password at MariaDB from another node."""
    return f"database-{actor(component, node)}"


def url(place: Place, name: str) -> Setting:
    """SQLAlchemy's URL of a database, for `place.component`."""
    if place.node == place.control():
        # Without a user: the account of the process, whom the kernel vouches for. So one file serves several accounts.
        # Said nothing, PyMySQL speaks TLS on a unix socket too, and verifies nobody by it.
        return f"mysql+pymysql:///{name}?unix_socket={SOCKET}&ssl_disabled=true&charset=utf8mb3"
    where = tls.client(place)
    query = _TLS.format(ca=where.authority, certificate=where.certificate, key=where.key)
    server = place.internal_name(place.control())
    return Joined(
        (
            f"mysql+pymysql://{place.component.account.name}:",
            place.rotation.used(password(place.component.name, place.node)),
            f"@{server}:{PORT}/{name}?{query}&charset=utf8mb3",
        )
    )


def group(place: Place, name: str, pool: int, overflow: int = 0) -> Mapping[str, Setting]:
    """oslo.db's options of one database: `pool` connections of a process are kept, `overflow` more are allowed."""
    return {
        "connection": url(place, name),
        "max_pool_size": pool,
        "max_overflow": overflow,
        "connection_recycle_time": 3000,
        "max_retries": -1,
    }


def made(place: Place) -> Iterator[Resource]:
    """The databases of `place.component` and the accounts of all that use them, on MariaDB's node; without tables."""
    me = place.component
    for database in me.databases:
        yield r.Database(database=database.name, component=me.name, reason=f"{me.title}'s database")
    for account, owned in _schema_accounts(me.databases).items():
        yield r.DatabaseAccount(
            user=account,
            grants=tuple(f"ALL PRIVILEGES ON `{name}`.*" for name in owned),
            component=me.name,
            reason="changes the schema, and does nothing else",
        )
    for user in users(place.catalog, {database.name for database in me.databases}):
        for node in place.placed.get(user.name, ()):
            yield _account(place, user, node)


def users(catalog: Mapping[str, Component], names: set[str]) -> list[Component]:
    """The components that use any of these databases."""
    return [component for component in catalog.values() if names & set(component.uses)]


def names_of_accounts(place: Place) -> tuple[str, ...]:
    """Every account of MariaDB's that a placed component declares, as user@host, sorted."""
    found: set[str] = set()
    for name in place.placed:
        component = place.catalog[name]
        found |= {f"{database.schema_account.name}@localhost" for database in component.databases}
        if component.uses:
            found |= {f"{component.account.name}@{_host(place, node)}" for node in place.placed[name]}
    return tuple(sorted(found))


def _schema_accounts(databases: tuple[Database, ...]) -> dict[str, list[str]]:
    accounts: dict[str, list[str]] = {}
    for database in databases:
        accounts.setdefault(database.schema_account.name, []).append(database.name)
    return accounts


def _host(place: Place, node: str) -> str:
    return "localhost" if node == place.control() else str(place.address(Kind.MANAGEMENT, node))


def _account(place: Place, user: Component, node: str) -> Resource:
    grants = tuple(f"{_SERVES} ON `{name}`.*" for name in user.uses)
    why = f"{user.title} reads and writes, and cannot change the schema"
    if node == place.control():
        return r.DatabaseAccount(user=user.account.name, grants=grants, component=place.component.name, reason=why)
    secret = password(user.name, node)
    first, *more = (hole(secret, generation) for generation in place.rotation.good(secret))
    return r.DatabaseAccount(
        user=user.account.name,
        host=_host(place, node),
        via="tls",
        password=first,
        another=more[0] if more else None,
        subject=f"/CN={actor(user.name, node)}",
        grants=grants,
        component=place.component.name,
        reason=f"{why}; from {node} with its certificate",
    )
