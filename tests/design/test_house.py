"""The arrows of the house go one way: cli → deploy, verify, lab, build → design → catalog → site."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wallcloud

ROOT = Path(next(iter(wallcloud.__path__)))
MAY = {
    "site": {"frozen", "errors"},
    "rules": {"site", "frozen", "errors"},
    "node": {"frozen"},
    "plugins": set(),
    "progress": set(),
    "errors": set(),
    "frozen": set(),
    # Tables of the release are data: what programs know is asked where settings are written.
    "build": {"frozen", "errors", "progress"},
    "catalog": {"site", "node", "build", "plugins", "frozen", "errors"},
    "design": {"catalog", "rules", "site", "node", "build", "frozen", "errors"},
    "deploy": {"design", "catalog", "site", "node", "build", "frozen", "errors", "progress"},
    "verify": {"design", "catalog", "site", "node", "frozen", "errors", "progress"},
    "draw": {"design", "catalog", "site", "frozen"},
    # It opens holes that verify must find: sharing code with what is tested would share its mistakes.
    "mutate": {"site", "frozen", "errors"},
    "lab": {"site", "build", "node", "frozen", "errors", "progress"},
    "cli": {
        *("deploy", "verify", "mutate", "lab", "draw", "design", "catalog", "rules", "site", "node", "build"),
        *("frozen", "errors", "progress"),
    },
}
"""Room → the rooms that it may import."""


def imported(source: str) -> Iterator[str]:
    """The rooms of Wallcloud that a file imports, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                continue  # its own folder: a plugin lives under another name on the node
            module = node.module or ""
            names = [f"wallcloud.{each.name}" for each in node.names] if module == "wallcloud" else [module]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("wallcloud."))


FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert set(imported(path.read_text())) - {room, "__version__"} <= MAY[room]


def test_every_room_is_known() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} <= set(MAY)


def test_nobody_imports_the_face_and_there_is_no_way_back() -> None:
    for room, may in MAY.items():
        seen: set[str] = set()
        ahead = set(may)
        while ahead:
            seen |= ahead
            ahead = {each for name in ahead for each in MAY[name]} - seen
        assert room not in seen, f"{room} would import itself"
        assert "cli" not in seen


def test_the_check_can_fail() -> None:
    source = "def f():\n    from wallcloud.cli import face\nimport wallcloud.site.model, x\nfrom wallcloud import rules"
    assert sorted(imported(source)) == ["cli", "rules", "site"]


@pytest.mark.parametrize("room", ["design", "catalog", "rules", "site"])
def test_the_pure_rooms_ask_neither_clock_nor_chance_nor_world(room: str) -> None:
    """design = compile(site, facts, release) is a function of these alone."""
    impure = {"random", "secrets", "time", "socket", "subprocess", "os", "datetime", "uuid", "tempfile", "urllib"}
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & impure, path
