"""A compute's place in Nova's cell: without it the scheduler takes the host, and the conductor refuses it."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.resources import mariadb_client as client
from wallcloud.node.resources.task import as_account
from wallcloud.node.run import run, tail


@frozen(kw_only=True)
class NovaHost(Resource):
    """`host` (`[DEFAULT] host` of its nova-compute) is mapped to `cell`. After its nova-compute answers.

    `argv` and `account` as in NovaCells. The scheduler's `discover_hosts_in_cells_interval` would map a new one by
    itself, but later than its first VMs come, and never again where the mapping was lost.
    """

    kind: ClassVar[str] = "nova-host"
    host: str
    argv: tuple[str, ...]
    account: str
    database: str = "nova_api"
    cell: str = "cell1"

    @property
    def name(self) -> str:
        return self.host

    def desired(self, ctx: Context) -> State:
        return {"cell": self.cell}

    def read(self, ctx: Context) -> State | None:
        cell = ctx.cached(self._key, lambda: _read(ctx, self.database)).get(self.host)
        return None if cell is None else {"cell": cell}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        # By service: nodes that were mapped once are not looked at again. Where the scheduler maps it in the same
        # moment this one ends with an error: what counts is the row.
        discover = (*as_account(self.account), *self.argv, "cell_v2", "discover_hosts", "--by-service")
        done = run(discover, timeout=600, check=False)
        ctx.forget(self._key)
        if self.read(ctx) is None:
            raise ResourceFailed(
                f"Nova knows no nova-compute on {self.host}",
                tried="nova-manage cell_v2 discover_hosts --by-service",
                output=tail(done.stdout + done.stderr),
                hint=f"on {self.host}: journalctl -u wallcloud-nova-compute",
            )

    @property
    def _key(self) -> str:
        return f"nova hosts {self.database}"


def _read(ctx: Context, database: str) -> dict[str, str]:
    """Host → name of its cell; empty where there is no such table (yet)."""
    if not client.has_table(ctx, database, "host_mappings"):
        return {}
    where = client.identifier(database)
    joined = f"{where}.host_mappings h JOIN {where}.cell_mappings c ON c.id = h.cell_id"
    found = client.rows(client.execute([f"SELECT h.host, COALESCE(c.name, '') FROM {joined}"]))  # noqa: S608 - quoted
    return {row[0]: row[1] for row in found}
