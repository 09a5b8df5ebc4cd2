"""`wallcloud.node` runs on bare nodes: the standard library, `frozen` and itself, nothing else."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wallcloud.node

ROOT = Path(next(iter(wallcloud.node.__path__)))
FILES = sorted(ROOT.rglob("*.py"))
SLOW = {
    "asyncio",
    "urllib.request",
    "http.client",
    "ssl",
    "email",
    "logging",
    "tempfile",
    "argparse",
    "typing_extensions",
}


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of everything that a module imports, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a module comes from"
            yield node.module or ""


def foreign(source: str) -> list[str]:
    """Imports of `source` that are neither the standard library's nor the node's own."""
    return [
        name
        for name in imported(ast.parse(source))
        if name.partition(".")[0] not in sys.stdlib_module_names
        and name not in {"wallcloud.node", "wallcloud.frozen"}
        and not name.startswith("wallcloud.node.")
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_standard_library_only(path: Path) -> None:
    assert foreign(path.read_text()) == []


def test_frozen_needs_nothing_else() -> None:
    assert foreign((ROOT.parent / "frozen.py").read_text()) == []


def test_the_check_can_fail() -> None:
    assert foreign("import os\nfrom wallcloud.errors import WallcloudError\nimport yaml") == [
        "wallcloud.errors",
        "yaml",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_small_files(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_a_plan_loads_no_slow_module() -> None:
    """Measured on a node: each of these costs as much as reading eighty resources."""
    code = "import sys, wallcloud.node.__main__, wallcloud.node.resources, wallcloud.node.converge; print(*sys.modules)"
    argv = [sys.executable, "-S", "-c", code]
    loaded = subprocess.run(
        argv, env={"PYTHONPATH": str(ROOT.parent.parent)}, capture_output=True, text=True, check=True
    )
    assert set(loaded.stdout.split()) & SLOW == set()
