"""A folder with the article's site in it, no state, nothing built."""

from pathlib import Path

import pytest
from tests.deploy.conftest import TEXT
from tests.deploy.far import Far, make


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Far:
    """The site's nodes are played; the command runs beside the site's file."""
    made = make(tmp_path, monkeypatch, TEXT)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site.yaml").write_text(TEXT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
