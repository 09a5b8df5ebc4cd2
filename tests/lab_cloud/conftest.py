"""One cloud for the whole directory: made once, used, hurt, and taken down whatever happens."""

import os
from collections.abc import Iterator

import pytest
from tests.lab_cloud.cloud import Cloud
from tests.lab_cloud.listener import Listener
from tests.soak import deselected


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what only `make soak` runs."""
    if out := deselected(items):
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud after its first apply; whether that went well is for a test to say."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    made = Cloud(tmp_path_factory.mktemp("cloud"))
    try:
        made.run("lab", "down").expect(0)  # what an earlier run may have left, killed before its end
        made.run("build").expect(0)
        made.run("lab", "up").expect(0)
        with Listener() as listener:
            made.first = made.run("apply", "--json")
        made.argument_lists = listener.heard
        yield made
    finally:
        made.close()


@pytest.fixture
def designed(cloud: Cloud) -> Cloud:
    """The cloud as its site says, also after a test that failed: no failure shall cause a second one."""
    if cloud.run("plan").status != 0:
        cloud.set_compute()
        cloud.run("lab", "up").expect(0)
        cloud.apply("after an earlier test left something to do")
    return cloud
