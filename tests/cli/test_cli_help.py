"""What every verb says of itself; what is wrong use."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.design.goldens import golden

from wallcloud.cli.main import VERBS, wallcloud

FOLDER = Path(__file__).parent / "golden"


def verbs(group: click.Command = wallcloud, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from verbs(command, (*path, name))


EVERY = list(verbs())


@pytest.mark.parametrize("path", EVERY, ids=lambda path: " ".join(path) or "wallcloud")
def test_help(path: tuple[str, ...]) -> None:
    ran = CliRunner().invoke(wallcloud, [*path, "--help"], prog_name="wallcloud", terminal_width=100)
    assert ran.exit_code == 0
    golden(FOLDER / f"help-{'-'.join(path) or 'wallcloud'}.txt", ran.output)
    assert all(len(line) <= 100 for line in ran.output.splitlines())


@pytest.mark.parametrize("name", VERBS)
def test_the_overview_says_what_the_verb_says(name: str) -> None:
    """The overview is shown without loading the verbs."""
    command = wallcloud.get_command(click.Context(wallcloud), name)
    assert command is not None
    assert command.get_short_help_str(200) == VERBS[name].help
    assert command.name == name


@pytest.mark.parametrize("path", [path for path in EVERY if len(path) < 2], ids=" ".join)
def test_an_option_that_is_none(path: tuple[str, ...]) -> None:
    assert CliRunner().invoke(wallcloud, [*path, "--bogus"]).exit_code == 2


@pytest.mark.parametrize("words", [["bogus"], ["show", "bogus"], ["lab", "bogus"]])
def test_a_verb_that_is_none(words: list[str]) -> None:
    ran = CliRunner().invoke(wallcloud, words)
    assert ran.exit_code == 2
    assert "No such command 'bogus'" in ran.stderr


def test_every_reading_verb_has_json() -> None:
    shows = [path for path in EVERY if path[:1] == ("show",) and len(path) == 2]
    assert len(shows) == 6
    for path in [*shows, ("check",), ("plan",), ("verify",), ("lab", "status")]:
        assert "--json" in CliRunner().invoke(wallcloud, [*path, "--help"]).output, path
