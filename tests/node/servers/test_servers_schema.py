"""When a schema is synced, joined, made again or left alone."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.node.bare import Bare

from wallcloud.node.resource import ResourceFailed
from wallcloud.node.resources import mariadb_client, transient
from wallcloud.node.resources import schema as module
from wallcloud.node.resources.mariadb_client import Server
from wallcloud.node.resources.schema import Schema
from wallcloud.node.resources.task import Task, as_account
from wallcloud.node.run import Output

SCHEMA = Schema(database="k", heads=(("alembic_version", ("b", "a")),), argv=("manage", "sync"), account="k-schema")
DROPPED = ["DROP DATABASE `k`", "CREATE DATABASE `k` CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"]
MARKED = ["CREATE TABLE `k`.`wallcloud_unfinished` (since TIMESTAMP) COMMENT 'Wallcloud is making this database'"]
UNMARKED = ["DROP TABLE IF EXISTS `k`.`wallcloud_unfinished`"]


@dataclass
class Fake:
    """A database and a systemd that remember what is asked of them."""

    heads: tuple[str, ...] = ()
    unfinished: bool = False
    tables: int = 0
    running: bool = False
    reaches: tuple[str, ...] = ("a", "b")
    log: list[str] = field(default_factory=list)

    def server(self, ctx: object) -> Server:
        heads = {("k", "alembic_version"): self.heads} if self.heads else {}
        mark = frozenset({"k"} if self.unfinished else ())
        return Server({"k": ("utf8mb3", "utf8mb3_general_ci")}, {}, (), heads, mark)

    def execute(self, statements: list[str]) -> str:
        if statements[0].startswith("SELECT COUNT(*)"):
            return f"{self.tables}\n"
        self.log += statements
        if statements == DROPPED:
            self.heads, self.unfinished, self.tables = (), False, 0
        elif statements in (MARKED, UNMARKED):
            self.unfinished = statements == MARKED
        return ""

    def start(self, *_: object, **__: object) -> None:
        self.log.append("sync")
        self.heads = self.reaches

    def join(self, *_: object) -> None:
        self.log.append("join")
        self.running, self.heads = False, self.reaches


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()
    monkeypatch.setattr(mariadb_client, "server", made.server)
    monkeypatch.setattr(mariadb_client, "execute", made.execute)
    monkeypatch.setattr(module, "running", lambda unit: made.running)
    monkeypatch.setattr(module, "loaded", lambda unit: made.running)
    monkeypatch.setattr(module, "start", made.start)
    monkeypatch.setattr(module, "join", made.join)
    return made


def test_an_empty_database_is_marked_while_it_is_made(fake: Fake) -> None:
    assert [each.property for each in SCHEMA.compare(Bare())] == ["alembic_version"]
    SCHEMA.apply(Bare(), ())
    assert fake.log == [*MARKED, "sync", *UNMARKED]
    assert SCHEMA.compare(Bare()) == ()


def test_the_mark_stays_where_the_revisions_are_not_reached(fake: Fake) -> None:
    fake.reaches = ("a",)
    SCHEMA.apply(Bare(), ())
    assert fake.log == [*MARKED, "sync"]
    assert [each.property for each in SCHEMA.compare(Bare())] == ["alembic_version", "unfinished"]


def test_what_is_half_made_and_marked_is_made_again(fake: Fake) -> None:
    fake.heads, fake.unfinished, fake.tables = ("a",), True, 30
    here = Bare()
    SCHEMA.apply(here, ())
    assert fake.log == [*DROPPED, *MARKED, "sync", *UNMARKED]
    assert here.notes[0] == "k is half made and was never served: making it again"


def test_what_is_half_made_without_a_mark_is_never_dropped(fake: Fake) -> None:
    fake.heads, fake.tables = ("a",), 30
    SCHEMA.apply(Bare(), ())
    assert fake.log == ["sync", *UNMARKED]


def test_what_is_made_and_marked_is_kept(fake: Fake) -> None:
    """Killed between the last revision and the removal of the mark."""
    fake.heads, fake.unfinished, fake.tables = ("a", "b"), True, 50
    assert [each.property for each in SCHEMA.compare(Bare())] == ["unfinished"]
    SCHEMA.apply(Bare(), ())
    assert fake.log == UNMARKED


def test_a_sync_that_runs_is_joined(fake: Fake) -> None:
    fake.unfinished, fake.running, fake.tables = True, True, 20
    SCHEMA.apply(Bare(), ())
    assert fake.log == ["join", *UNMARKED]


def test_a_sync_that_runs_shows_in_a_plan(fake: Fake) -> None:
    """Its revisions are written before its end."""
    fake.heads, fake.running, fake.tables = ("a", "b"), True, 50
    assert [each.property for each in SCHEMA.compare(Bare())] == ["unfinished"]


def test_no_database_is_absent(fake: Fake) -> None:
    other = Schema(database="other", heads=SCHEMA.heads, argv=("x",), account="k-schema")
    assert other.read(Bare()) is None
    with pytest.raises(ResourceFailed, match="there is no database other"):
        other.apply(Bare(), ())


def test_a_failed_unit_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], **_: object) -> Output:
        asked.append(argv)
        return Output(3, "", "Running as unit") if argv[0] == "systemd-run" else Output(0, "the table is there\n", "")

    monkeypatch.setattr(transient, "run", run)
    with pytest.raises(ResourceFailed) as failed:
        transient.start("wallcloud-schema-k.service", ("manage", "sync"), "k-schema", (("A", "b"),), 9, hint="again")
    assert (failed.value.what, failed.value.output) == ("manage ended with status 3", ("the table is there",))
    assert (failed.value.tried, failed.value.hint) == ("manage sync", "again")
    words = {"--wait", "--collect", "--uid=k-schema", "--unit=wallcloud-schema-k.service", "--setenv=A=b"}
    assert words <= set(asked[0])
    assert "_SYSTEMD_UNIT=wallcloud-schema-k.service" in asked[1]


def test_the_error_is_told_before_the_statement() -> None:
    lines = ["begin", "OperationalError: table is there", "[SQL:", *(f"column {number}" for number in range(30)), "]"]
    assert transient._telling("\n".join(lines)) == (
        "OperationalError: table is there",
        *(f"column {number}" for number in range(19, 30)),
        "]",
    )


def test_a_task_is_done_once(tmp_path: Path) -> None:
    made = tmp_path / "made"
    task = Task(
        task="t",
        argv=("/bin/sh", "-c", f'echo "$WORD" > {made}'),
        creates=str(made),
        environment=(("WORD", "said"),),
    )
    assert task.read(Bare()) is None
    task.apply(Bare(), ())
    assert made.read_text() == "said\n"
    assert task.compare(Bare()) == ()


def test_a_task_that_makes_nothing_fails(tmp_path: Path) -> None:
    with pytest.raises(ResourceFailed) as failed:
        Task(task="t", argv=("true",), creates=str(tmp_path / "made")).apply(Bare(), ())
    assert failed.value.what == f"true ended well but made no {tmp_path}/made"


def test_another_account_is_become() -> None:
    words = as_account("nobody")
    assert words[0] == "setpriv"
    assert "--reuid=65534" in words
    assert "USER=nobody" in words
    with pytest.raises(ResourceFailed, match="there is no account wct-none"):
        as_account("wct-none")
