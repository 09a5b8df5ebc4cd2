"""A service's tables, brought to the revisions that its release wants by the service's own program.

MariaDB's DDL is not transactional, so the program runs in a transient unit that outlives the deployer and this process;
the next apply joins it. A first sync marks the empty database with a table `wallcloud_unfinished`, which goes when the
revisions are reached. A database with that mark was never served (its units come later in the spec) and is dropped and
made again. The mark says *unfinished* rather than *served* so that its absence is the safe side: a database that came
from elsewhere (a restored dump, a hand) carries none and is never dropped.
"""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.resources import mariadb_client as client
from wallcloud.node.resources.transient import join, loaded, running, start

EMPTY = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "


@frozen(kw_only=True)
class Schema(Resource):
    """The tables of `database`.

    `heads`: (table, revisions) pairs, ("alembic_version", ("742c857f1dfb", "c88cdce8f248")); `argv` the program that
    makes them (idempotent: run whenever the revisions differ); it runs as `account` with `environment`, neither of
    which may hold a secret: both stand in the unit's properties, which every account of the node can read.
    """

    kind: ClassVar[str] = "schema"
    aside: ClassVar[bool] = True
    database: str
    heads: tuple[tuple[str, tuple[str, ...]], ...]
    argv: tuple[str, ...]
    account: str
    environment: tuple[tuple[str, str], ...] = ()
    seconds: int = 3600

    @property
    def name(self) -> str:
        return self.database

    @property
    def unit(self) -> str:
        return f"wallcloud-schema-{self.database}.service"

    def desired(self, ctx: Context) -> State:
        return {**{table: tuple(sorted(revisions)) for table, revisions in self.heads}, "unfinished": False}

    def read(self, ctx: Context) -> State | None:
        server = client.server(ctx)
        if server is None or self.database not in server.databases:
            return None
        heads = {table: server.heads.get((self.database, table), ()) for table, _ in self.heads}
        return {**heads, "unfinished": self.database in server.unfinished or loaded(self.unit)}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if running(self.unit):
            ctx.note(f"{self.unit} is still running: waiting for it")
            join(self.unit, self.seconds)
        ctx.forget("mariadb")
        if not self._reached(ctx):
            self._prepare(ctx)
            ctx.note(f"running {self.unit}")
            start(self.unit, self.argv, self.account, self.environment, self.seconds, hint=self._hint())
            ctx.forget("mariadb")
        if self._reached(ctx):
            client.execute([f"DROP TABLE IF EXISTS {self._mark}"])

    def _reached(self, ctx: Context) -> bool:
        found = self.read(ctx)
        if found is None:
            raise ResourceFailed(f"there is no database {self.database}", hint="a Database resource must come first")
        return all(found[table] == tuple(sorted(revisions)) for table, revisions in self.heads)

    def _prepare(self, ctx: Context) -> None:
        """An empty and marked database where nothing was ever finished; any other is left as it is."""
        server = client.server(ctx)
        if server is None:
            raise ResourceFailed("MariaDB does not answer", hint="is wallcloud-mariadb.service running?")
        if self.database in server.unfinished:
            ctx.note(f"{self.database} is half made and was never served: making it again")
            charset, collation = server.databases[self.database]
            name = client.identifier(self.database)
            client.execute(
                [f"DROP DATABASE {name}", f"CREATE DATABASE {name} CHARACTER SET {charset} COLLATE {collation}"]
            )
        if client.execute([EMPTY + client.string(self.database)]).strip() == "0":
            client.execute([f"CREATE TABLE {self._mark} (since TIMESTAMP) COMMENT 'Wallcloud is making this database'"])

    @property
    def _mark(self) -> str:
        return f"{client.identifier(self.database)}.{client.identifier(client.UNFINISHED)}"

    def _hint(self) -> str:
        return f"journalctl -u {self.unit}; apply again goes on from here"

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return f"changes the tables of {self.database}"
