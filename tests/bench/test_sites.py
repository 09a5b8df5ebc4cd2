"""The sites that are measured are sites, as large as they are said to be."""

from pathlib import Path

import pytest
from bench.sites import SMALLEST, big

from wallcloud.design.compile import findings
from wallcloud.site.load import load_text
from wallcloud.site.reader import LONGEST


@pytest.mark.parametrize("nodes", [SMALLEST, 6, 300])
def test_size(nodes: int) -> None:
    loaded = load_text(big(nodes).encode(), Path("site.yaml"))
    assert len(loaded.site.nodes) == nodes
    assert not findings(loaded)


def test_ten_thousand_nodes_are_no_file_too_long() -> None:
    assert len(big(10_000).encode()) < LONGEST
