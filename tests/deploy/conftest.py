"""A site whose nodes are played."""

from pathlib import Path

import pytest
from tests.deploy.far import Far, make

from wallcloud.site import template

# A name of its own: a lab of the examples may be up on this computer.
TEXT = template.text().replace(", config: .wallcloud/lab/ssh_config", "").replace("name: article", "name: played")


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Far:
    return make(tmp_path, monkeypatch, TEXT)
