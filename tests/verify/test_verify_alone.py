"""Two verifies of one site would see each other's tenants."""

from pathlib import Path

import pytest

from wallcloud.errors import WallcloudError
from wallcloud.verify.alone import alone


def test_the_second_is_told(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(WallcloudError, match="another verify"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
