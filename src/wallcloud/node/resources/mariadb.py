"""Databases and accounts of the node's MariaDB, and the exclusive sets of both."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, changed
from wallcloud.node.resources import mariadb_client as client
from wallcloud.node.resources import mariadb_grants
from wallcloud.node.secret import Secret

SYSTEM_DATABASES = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
SYSTEM_ACCOUNTS = frozenset({"root@localhost", "mysql@localhost", "mariadb.sys@localhost"})


@frozen(kw_only=True)
class Database(Resource):
    """A database. `collation` empty = the character set's usual one ("utf8mb3_general_ci")."""

    kind: ClassVar[str] = "database"
    database: str
    charset: str = "utf8mb3"
    collation: str = ""

    @property
    def name(self) -> str:
        return self.database

    def desired(self, ctx: Context) -> State:
        return {"charset": self.charset, "collation": self.collation or f"{self.charset}_general_ci"}

    def read(self, ctx: Context) -> State | None:
        server = client.server(ctx)
        if server is None or self.database not in server.databases:
            return None
        charset, collation = server.databases[self.database]
        return {"charset": charset, "collation": collation}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted = self.desired(ctx)
        name, how = client.identifier(self.database), f"CHARACTER SET {wanted['charset']} COLLATE {wanted['collation']}"
        client.execute([f"CREATE DATABASE IF NOT EXISTS {name} {how}", f"ALTER DATABASE {name} {how}"])

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "" if any(each.before is None for each in changes) else "tables made from now on; none is converted"


@frozen(kw_only=True)
class DatabaseAccount(Resource):
    """An account of the server.

    `via`: "socket" = the kernel vouches for the account of the operating system of the same name, no password;
    "tls" = `password` and a certificate whose subject is `subject` ("/CN=nova"), from `host` ("%" or an address).
    `another` password is as good as the first: so clients move from one to the other.
    `grants` as SHOW GRANTS prints them without GRANT and TO: "SELECT, INSERT ON `keystone`.*". `max_connections`
    0 = no limit of its own.
    """

    kind: ClassVar[str] = "database-account"
    hidden: ClassVar[frozenset[str]] = frozenset({"password"})
    user: str
    host: str = "localhost"
    via: Literal["socket", "tls"] = "socket"
    grants: tuple[str, ...] = ()
    password: Secret | None = None
    another: Secret | None = None
    subject: str = ""
    max_connections: int = 0

    def __post_init__(self) -> None:
        for grant in self.grants:
            mariadb_grants.wanted(grant)
        given = {self.password is not None, bool(self.subject)}
        if given != {self.via == "tls"}:
            raise ValueError(f"{self.name}: password and subject belong to via=tls, and it needs both")
        if self.another and not self.password:
            raise ValueError(f"{self.name}: another password without a first one")

    @property
    def name(self) -> str:
        return f"{self.user}@{self.host}"

    def desired(self, ctx: Context) -> State:
        hashes = self._hashes(ctx)
        return {
            "login": " or ".join(["mysql_native_password"] * len(hashes)) or "unix_socket",
            "password": "\n".join(hashes),
            "requires": f"SUBJECT {client.string(self.subject)}" if self.subject else "",
            "locked": False,
            "expired": False,
            "max_connections": self.max_connections,
            "grants": tuple(sorted(mariadb_grants.wanted(each).text for each in self.grants)),
        }

    def _hashes(self, ctx: Context) -> tuple[str, ...]:
        """Of every password that is good."""
        return tuple(client.native_hash(ctx.secret(each.name)) for each in (self.password, self.another) if each)

    def read(self, ctx: Context) -> State | None:
        server = client.server(ctx)
        found = server.accounts.get(self.name) if server else None
        if found is None:
            return None
        return {
            "login": found.login,
            "password": found.secrets,
            "requires": found.requires,
            "locked": found.locked,
            "expired": found.expired,
            "max_connections": found.max_connections,
            "grants": tuple(grant.text for grant in found.grants),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        server = client.server(ctx)
        found = server.accounts.get(self.name) if server else None
        name = client.account(self.user, self.host)
        statements: list[str] = []
        if found is None or changed(changes, *(set(self.desired(ctx)) - {"grants"})):
            statements += [self._definition(ctx, "CREATE USER IF NOT EXISTS", name)] if found is None else []
            statements += [self._definition(ctx, "ALTER USER", name)]
        wished = [mariadb_grants.wanted(each) for each in self.grants]
        statements += mariadb_grants.statements(name, found.grants if found else (), wished)
        client.execute(statements, secret=self.password is not None)

    def _definition(self, ctx: Context, verb: str, name: str) -> str:
        wanted = self.desired(ctx)
        ways = [f"mysql_native_password USING {client.string(each)}" for each in self._hashes(ctx)]
        return (
            f"{verb} {name} IDENTIFIED VIA {' OR '.join(ways) or 'unix_socket'} REQUIRE {wanted['requires'] or 'NONE'}"
            f" WITH MAX_USER_CONNECTIONS {self.max_connections} ACCOUNT UNLOCK"
        )

    def consequence(self, changes: tuple[Change, ...]) -> str:
        created = any(each.property == "login" and each.before is None for each in changes)
        return "" if created else "open connections keep what they have"


@frozen(kw_only=True)
class ExclusiveDatabaseAccounts(Resource):
    """No account and no role but those in `keep` ("user@host"), those that the spec names, and the server's own."""

    kind: ClassVar[str] = "exclusive-database-accounts"
    keep: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "database accounts"

    def desired(self, ctx: Context) -> State:
        return {"strangers": (), "roles": ()}

    def read(self, ctx: Context) -> State | None:
        server = client.server(ctx)
        if server is None:
            return None
        kept = SYSTEM_ACCOUNTS | set(self.keep) | _named(ctx, DatabaseAccount)
        return {"strangers": tuple(sorted(server.accounts.keys() - kept)), "roles": server.roles}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        server, state = client.server(ctx), self.read(ctx)
        if server is None or state is None:
            raise ResourceFailed("MariaDB does not answer", hint="is wallcloud-mariadb.service running?")
        gone = [server.accounts[name] for name in _texts(state["strangers"])]
        drop = [f"DROP USER IF EXISTS {client.account(each.user, each.host)}" for each in gone]
        drop += [f"DROP ROLE IF EXISTS {client.identifier(name)}" for name in server.roles]
        # an account that is dropped keeps its open connections
        kill = [f"KILL USER {client.account(each.user, each.host)}" for each in gone if each.user]
        client.execute(drop + kill)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "drops accounts and their connections" if changed(changes, "strangers") else ""


@frozen(kw_only=True)
class ExclusiveDatabases(Resource):
    """No database but those in `keep` and those that the spec names. A stranger is shown and never dropped."""

    kind: ClassVar[str] = "exclusive-databases"
    keep: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "databases"

    def desired(self, ctx: Context) -> State:
        return {"strangers": ()}

    def read(self, ctx: Context) -> State | None:
        server = client.server(ctx)
        if server is None:
            return None
        kept = SYSTEM_DATABASES | set(self.keep) | _named(ctx, Database)
        return {"strangers": tuple(sorted(server.databases.keys() - kept))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        strangers = _texts((self.read(ctx) or {}).get("strangers", ()))
        if strangers:
            raise ResourceFailed(
                f"refused: dropping {', '.join(strangers)} would lose data",
                tried="DROP DATABASE",
                hint="dump it and drop it by hand, or name it in the site",
            )

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "refused: dropping a database loses its data"


def _named(ctx: Context, kind: type[Resource]) -> set[str]:
    return {each.name for each in ctx.resources if isinstance(each, kind)}


def _texts(value: object) -> Iterable[str]:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else ()
