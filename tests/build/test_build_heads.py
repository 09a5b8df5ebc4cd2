"""The schema heads: the committed table is what the release's own programs say."""

from pathlib import Path

import pytest
from tests import environment

from wallcloud.build import heads_generate
from wallcloud.catalog.schema_heads import heads
from wallcloud.errors import WallcloudError

RELEASE = "2026.2"


def test_every_program_with_a_database() -> None:
    found = {name: heads(RELEASE, name) for name in ("glance", "keystone", "neutron", "nova", "nova_api", "placement")}
    # As seen in the tables of the programs' own databases: Glance's expand head is depended upon, so it is not there.
    assert {name: len(revisions) for name, ((_, revisions),) in found.items()} == {
        "glance": 1,
        "keystone": 2,
        "neutron": 2,
        "nova": 1,
        "nova_api": 1,
        "placement": 1,
    }
    assert {table for ((table, _),) in found.values()} == {"alembic_version"}


@pytest.mark.root
def test_the_table_is_the_environments() -> None:
    with environment.mounted() as folder:
        made = heads_generate.generate(folder)
    assert made == heads_generate.file_of(RELEASE).read_text(encoding="utf-8")


def test_a_program_that_does_not_tell_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to("/bin/false")
    with pytest.raises(WallcloudError, match="keystone does not tell its schema's heads"):
        heads_generate.generate(tmp_path)
