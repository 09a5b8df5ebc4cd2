"""Nova's cell mappings: where cell0 and cell1 keep their rows and their queues, as templates of URLs.

A template stands in the database of Nova's API; each daemon fills it from its own `[database] connection` and
`[DEFAULT] transport_url` (nova/objects/cell_mapping.py), so a mapping holds no secret and suits every daemon.
"""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, changed
from wallcloud.node.resources import mariadb_client as client
from wallcloud.node.resources.task import as_account
from wallcloud.node.run import run

CELL0 = "00000000-0000-0000-0000-000000000000"
NO_BUS = "none:///"
"""Nobody talks to cell0: it holds what was never scheduled."""


@frozen
class Cell:
    """A row of `cell_mappings`. cell0 cannot be disabled."""

    uuid: str
    name: str
    transport: str
    database: str
    enabled: bool

    @property
    def urls(self) -> tuple[str, ...]:
        return (self.name, self.transport, self.database)

    @property
    def text(self) -> tuple[str, ...]:
        return (*self.urls, "enabled" if self.enabled else "disabled")


@frozen(kw_only=True)
class NovaCells(Resource):
    """cell0 and one more cell, and no other. After the schema of `database`, before Nova's daemons.

    `argv`: nova-manage with its `--config-file`s, whose `[api_database] connection`, `[database] connection` and
    `[DEFAULT] transport_url` must be set (it fills the templates to judge them; it connects to the first only). It
    runs as `account`. `cell0_database`, `cell_database`, `cell_transport`: templates, without any secret in them: they
    stand in argument lists.
    """

    kind: ClassVar[str] = "nova-cells"
    argv: tuple[str, ...]
    account: str
    cell0_database: str
    cell_database: str
    cell_transport: str
    database: str = "nova_api"
    cell: str = "cell1"

    @property
    def name(self) -> str:
        return "cells of Nova"

    def desired(self, ctx: Context) -> State:
        return {
            "cell0": ("cell0", NO_BUS, self.cell0_database),
            self.cell: (self.cell, self.cell_transport, self.cell_database, "enabled"),
            "others": (),
        }

    def read(self, ctx: Context) -> State | None:
        found = self._cells(ctx)
        if found is None:
            return None
        first, second = self._meant(found)
        return {
            "cell0": first.urls if first else None,
            self.cell: second.text if second else None,
            "others": tuple(f"{each.name} {each.uuid}" for each in found if each not in (first, second)),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        found = self._cells(ctx)
        if found is None:
            raise ResourceFailed(
                f"{self.database} has no table of cells", hint="its Database and its Schema must come first"
            )
        first, second = self._meant(found)
        # strangers first: no two cells may have the same URLs
        for each in found:
            if each not in (first, second):
                self._manage("delete_cell", "--cell_uuid", each.uuid)
        acts: list[tuple[str, ...]] = []
        if changed(changes, "cell0"):
            database = ("--database_connection", self.cell0_database)
            again = ("update_cell", "--cell_uuid", CELL0, "--name", "cell0", "--transport-url", NO_BUS, *database)
            acts.append(again if first else ("map_cell0", *database))
        if changed(changes, self.cell):
            urls = ("--transport-url", self.cell_transport, "--database_connection", self.cell_database)
            what = ("--name", self.cell, *urls)
            # enabling what is enabled only says so
            acts.append(
                ("update_cell", "--cell_uuid", second.uuid, *what, "--enable") if second else ("create_cell", *what)
            )
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - slow to import, and seldom needed

        with ThreadPoolExecutor(2) as both:  # 3 s each, nearly all of it imports
            for _ in both.map(lambda act: self._manage(*act), acts):
                pass

    def consequence(self, changes: tuple[Change, ...]) -> str:
        seen = any(each.property != "others" and each.before is not None for each in changes)
        return "running services of Nova see it after a restart" if seen else ""

    def _meant(self, found: tuple[Cell, ...]) -> tuple[Cell | None, Cell | None]:
        """cell0, and the first of the other's name: Nova maps a host to the first cell that holds it."""
        first = next((each for each in found if each.uuid == CELL0), None)
        return first, next((each for each in found if each.name == self.cell and each.uuid != CELL0), None)

    def _cells(self, ctx: Context) -> tuple[Cell, ...] | None:
        """All cells, in the order they were made; None where there is no table of them (yet)."""
        return ctx.cached(f"nova cells {self.database}", lambda: _read(ctx, self.database))

    def _manage(self, *words: str) -> None:
        run((*as_account(self.account), *self.argv, "cell_v2", *words), timeout=600)


def _read(ctx: Context, database: str) -> tuple[Cell, ...] | None:
    if not client.has_table(ctx, database, "cell_mappings"):
        return None
    columns = ", ".join(f"COALESCE({each}, '')" for each in ("uuid", "name", "transport_url", "database_connection"))
    table = f"{client.identifier(database)}.cell_mappings"
    rows = client.rows(client.execute([f"SELECT {columns}, COALESCE(disabled, 0) FROM {table} ORDER BY id"]))  # noqa: S608
    return tuple(Cell(uuid, name, bus, data, disabled == "0") for uuid, name, bus, data, disabled in rows)
