"""The cloud's databases as a backup has them, and the fact that no restore is half done.

A restore is an apply whose spec says what the databases shall come from. While it is under way there is a database
`wallcloud_restore` with one row: of which backup, and whether all was loaded. It is there before the first of the
others is dropped and goes when a whole apply has ended well, so whatever is killed in between leaves it: then the same
restore goes on, a half-loaded dump is loaded again, and an apply that knows of no restore serves nothing of it.
"""

import os
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, changed
from wallcloud.node.resources import mariadb_client as client
from wallcloud.node.resources.mariadb import SYSTEM_ACCOUNTS
from wallcloud.node.run import ENVIRONMENT, tail

_MARK = f"`{client.RESTORE}`.`restore`"
_MIB = 1 << 20


@frozen(kw_only=True)
class RestoredDatabases(Resource):
    """`databases`, all of them loaded from the dump of `backup` (its id): the stream `databases.sql.gz/` of `size`
    bytes.

    Databases that hold tables and come from elsewhere are lost only where `replaces` says so; half-made ones, which
    nobody was served from, always are. Accounts leave first: their own resources make them again, behind this one.
    """

    kind: ClassVar[str] = "restored-databases"
    backup: str
    databases: tuple[str, ...]
    size: int
    replaces: bool = False

    @property
    def name(self) -> str:
        return f"of backup {self.backup[:8]}"

    def desired(self, ctx: Context) -> State:
        return {"backup": self.backup, "whole": True, "served": ()}

    def read(self, ctx: Context) -> State | None:
        server = client.server(ctx)
        if server is None:
            return None
        mark = _mark(ctx)
        if mark is None:
            served = self._served(server)
            return {"backup": None, "whole": False, "served": served} if served else None
        backup, whole = mark
        foreign = whole and backup != self.backup
        return {"backup": backup, "whole": whole, "served": self._served(server) if foreign else ()}

    def _served(self, server: client.Server) -> tuple[str, ...]:
        names = ", ".join(client.string(name) for name in self.databases)
        tables = f"SELECT DISTINCT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ({names})"  # noqa: S608 - quoted
        filled = {name for (name,) in client.rows(client.execute([tables]))}
        return tuple(sorted(filled - server.unfinished))

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        server, found = client.server(ctx), self.read(ctx) or {}
        if server is None:
            raise ResourceFailed("MariaDB does not answer", hint="is wallcloud-mariadb.service running?")
        served = found.get("served")
        if isinstance(served, tuple) and served and not self.replaces:
            raise ResourceFailed(
                f"refused: loading the backup would lose {', '.join(served)}",
                tried="DROP DATABASE",
                hint="wallcloud restore --lose-databases says that they may be lost",
            )
        client.execute(
            [
                f"CREATE DATABASE IF NOT EXISTS `{client.RESTORE}`",
                f"CREATE OR REPLACE TABLE {_MARK} (backup VARCHAR(64) NOT NULL, loaded BOOLEAN NOT NULL)",
                f"INSERT INTO {_MARK} VALUES ({client.string(self.backup)}, FALSE)",  # noqa: S608 - quoted
                *_without_accounts(server),
                *(f"DROP DATABASE IF EXISTS {client.identifier(name)}" for name in self.databases),
            ]
        )
        load(self._noted(ctx))
        ctx.forget("mariadb")
        now = client.server(ctx)
        lacking = [name for name in self.databases if now is None or name not in now.databases]
        if lacking:
            raise ResourceFailed(f"the dump did not make {', '.join(lacking)}", tried="load it")
        client.execute([f"UPDATE {_MARK} SET loaded = TRUE"])  # noqa: S608 - a constant

    def _noted(self, ctx: Context) -> Iterator[bytes]:
        """The dump's pieces; who waits is told how far it is."""
        done = 0
        ctx.note(f"loading the databases: {self.size / _MIB:.1f} MiB, packed", 0, self.size)
        for piece in ctx.stream("databases.sql.gz/"):
            yield piece
            done += len(piece)
            ctx.note(f"loading the databases: {done // _MIB} of {self.size // _MIB} MiB", done, self.size)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        if not changed(changes, "served"):
            return ""
        lost = next((each.before for each in changes if each.property == "served"), None)
        if not isinstance(lost, tuple) or not lost:
            return ""
        return f"{'loses' if self.replaces else 'refused: it would lose'} {', '.join(lost)}"


@frozen(kw_only=True)
class NoRestore(Resource):
    """No restore is under way. `ends`: the backup whose restore ends here, all of it having been done."""

    kind: ClassVar[str] = "no-restore"
    ends: str = ""

    @property
    def name(self) -> str:
        return "of a backup"

    def desired(self, ctx: Context) -> State:
        return {"under way": False}

    def read(self, ctx: Context) -> State | None:
        server = client.server(ctx)
        return {"under way": server is not None and client.RESTORE in server.databases}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        backup, whole = _mark(ctx) or ("", False)
        if not (whole and backup == self.ends):
            raise ResourceFailed(
                f"refused: a restore{f' of backup {backup[:8]}' if backup else ''} is unfinished,"
                " and nobody is served from databases of which a part may lack",
                hint="run the same wallcloud restore again: it finishes it",
            )
        client.execute([f"DROP DATABASE `{client.RESTORE}`"])

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "" if self.ends else "refused: run wallcloud restore again, which finishes it"


def load(pieces: Iterable[bytes]) -> None:
    """Runs a gzipped dump. Raises ResourceFailed with the error's number alone: the server quotes what it was sent."""
    with os.fdopen(os.memfd_create("errors"), "w+b") as errors:
        process = subprocess.Popen(
            (*client.CLIENT, "--max-allowed-packet=1G"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=ENVIRONMENT,
            cwd="/",
        )
        assert process.stdin is not None  # noqa: S101 - for the type checker
        try:
            _feed(process.stdin, pieces)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended, and says why
        except BaseException:
            process.kill()  # or it would take what came so far for all
            process.wait()
            raise
        if process.wait() != 0:
            errors.seek(0)
            said = tail(errors.read().decode(errors="replace"))
            raise ResourceFailed(
                "MariaDB refused the dump",
                tried="load the databases of the backup",
                output=tuple(each.partition(":")[0] for each in said if each.startswith("ERROR ")),
                hint="journalctl -u wallcloud-mariadb; is its disk full? df -h",
            )


def _feed(pipe: IO[bytes], pieces: Iterable[bytes]) -> None:
    packed = zlib.decompressobj(31)  # 31: with the head of gzip
    try:
        for piece in pieces:
            pipe.write(packed.decompress(piece))
    except zlib.error as error:
        raise ResourceFailed(f"the dump is not what was packed: {error}") from None
    if not packed.eof:
        raise ResourceFailed("the dump ends before its end")


def _mark(ctx: Context) -> tuple[str, bool] | None:
    """The backup that is being restored, and whether it was loaded whole; None where no restore is under way."""
    server = client.server(ctx)
    if server is None or client.RESTORE not in server.databases:
        return None
    if not client.has_table(ctx, client.RESTORE, "restore"):
        return "", False
    rows = list(client.rows(client.execute([f"SELECT backup, loaded FROM {_MARK}"])))  # noqa: S608 - a constant
    return (rows[0][0], rows[0][1] == "1") if rows else ("", False)


def _without_accounts(server: client.Server) -> Iterator[str]:
    """Nobody writes into databases that are being loaded, from whatever node."""
    for name, each in sorted(server.accounts.items()):
        if name not in SYSTEM_ACCOUNTS:
            yield f"DROP USER IF EXISTS {client.account(each.user, each.host)}"
            if each.user:
                yield f"KILL USER {client.account(each.user, each.host)}"
