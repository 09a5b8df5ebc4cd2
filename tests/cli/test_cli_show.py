"""`wallcloud show`: golden answers for the article's cloud, before anything was built or deployed."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from tests.design.goldens import golden

from wallcloud.cli import show
from wallcloud.cli.main import wallcloud
from wallcloud.cli.table import hang, table

FOLDER = Path(__file__).parent / "golden"
WHAT = ("nodes", "flows", "addresses", "limits", "files")


def invoke(*words: str) -> Result:
    return CliRunner().invoke(wallcloud, ["show", *words], prog_name="wallcloud")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("what", WHAT)
def test_in_a_pipe(what: str) -> None:
    ran = invoke(what)
    assert ran.exit_code == 0
    golden(FOLDER / f"show-{what}.txt", ran.output)
    assert not any(line != line.rstrip() for line in ran.output.splitlines())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("what", WHAT)
def test_on_a_terminal_of_100_columns(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "width", lambda: 100)
    ran = invoke(what)
    golden(FOLDER / f"show-{what}-100.txt", ran.output)
    # What paths, owners and nodes need is not cut; only reasons are.
    most = 126 if what == "files" else 100
    assert all(len(line) <= most for line in ran.output.splitlines())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("what", WHAT)
def test_json(what: str) -> None:
    ran = invoke(what, "--json")
    said = json.loads(ran.output)
    assert said
    golden(FOLDER / f"show-{what}.json", json.dumps(said[:4], indent=1, ensure_ascii=False) + "\n")


@pytest.mark.usefixtures("here")
def test_flows_of_a_node_or_component() -> None:
    every = json.loads(invoke("flows", "--json").output)
    some = json.loads(invoke("flows", "--json", "--node", "compute1").output)
    assert some == [row for row in every if "@ compute1" in row["client"] + row["server"]]
    assert 0 < len(some) < len(every)
    some = json.loads(invoke("flows", "--json", "--component", "chrony").output)
    assert some == [row for row in every if "chrony @" in row["client"] + row["server"]]
    assert invoke("flows", "--node", "api").output.startswith("Flows of played: ")
    assert f" of {len(every)}. What is not here does not pass.\n" in invoke("flows", "--node", "api").output


@pytest.mark.usefixtures("here")
def test_the_text_names_every_flow() -> None:
    text = invoke("flows").output
    for row in json.loads(invoke("flows", "--json").output):
        assert row["reason"] in text
        assert row["port"] in text
        assert row["exception"] in text


@pytest.mark.usefixtures("here")
def test_markdown() -> None:
    lines = invoke("flows", "--markdown").output.splitlines()
    assert lines[0].startswith("| client | account | server | ")
    assert lines[1] == "|" + "---|" * 9
    assert len(lines) == 2 + len(json.loads(invoke("flows", "--json").output))
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines[2:])


@pytest.mark.usefixtures("here")
def test_the_content_of_a_file() -> None:
    ran = invoke("files", "--node", "api", "/etc/hostname")
    assert ran.output == "── /etc/hostname on api\napi\n"
    ran = invoke("files", "/etc/hosts")
    assert ran.output.startswith("── /etc/hosts on control, api\n127.0.0.1 localhost\n")
    ran = invoke("files", "/etc/wallcloud/tls/ca.pem")
    assert "«secret site-ca»" in ran.output


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("flows", "--node", "contrl"), "the site has no node named contrl\n  hint: did you mean control?\n"),
        (("files", "--node", "zzz"), "no node named zzz\n  hint: it has: control, api, network, compute1, compute2\n"),
        (("flows", "--component", "chrny"), "no component named chrny\n  hint: did you mean chrony?\n"),
        (("files", "/etc/host"), "the site has no file named /etc/host\n  hint: did you mean /etc/hosts?\n"),
    ],
)
def test_what_is_not_there(words: tuple[str, ...], told: str) -> None:
    ran = invoke(*words)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.endswith(told)


def test_known_facts_are_shown(here: Path) -> None:
    (here / ".wallcloud/facts").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud/facts/control.json").write_text('{"cores": 11}')
    assert "one per core (11), 2 to 16" in invoke("limits").output


# -- tables


def plain(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], limit: int | None) -> str:
    return click.unstyle(table(columns, rows, limit))


def test_tables() -> None:
    rows = [("a", "1", "x y"), ("bbb", "22", "")]
    assert plain(("name", "n", "what"), rows, None) == "name  n   what\na     1   x y\nbbb   22"


def test_the_last_column_is_wrapped_below_itself() -> None:
    rows = [("a", "one two three four five six seven")]
    assert plain(("n", "w"), rows, 28) == "n  w\na  one two three four five\n   six seven"


def test_or_below_the_line_where_there_is_no_room() -> None:
    assert hang("x" * 20 + "  ", "one two three four", 30) == ["x" * 20 + "  ", "    one two three four"]
    assert hang("x" * 20 + "  ", "short", 30) == ["x" * 20 + "  short"]


def test_words_are_never_broken() -> None:
    assert hang("", "/a/very/long/path/of/a/file that", 26) == ["/a/very/long/path/of/a/file", "that"]
