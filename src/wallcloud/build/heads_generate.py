"""Generates release/heads-RELEASE.json: where each program's schema ends, asked of the program itself."""

from __future__ import annotations

import json
from pathlib import Path

from wallcloud.build.run import clean_environment, must, stream

# Read by Alembic itself. A head that another revision depends on leaves the version table when that one is reached
# (Glance's expand branch): Alembic calls the others real heads.
_ALEMBIC = """\
from alembic.script import ScriptDirectory
script = ScriptDirectory.from_config(config)
heads = [each for each in script.get_heads() if script.get_revision(each)._is_real_head]"""

_PROGRAMS = {
    # keystone.conf.configure and oslo.db register [database], which its Alembic configuration reads.
    "keystone": (
        "import keystone.conf; keystone.conf.configure()",
        "from oslo_db import options; options.set_defaults(keystone.conf.CONF)",
        "import keystone.common.sql.upgrades as u; heads = list(u.get_head_revisions().values())",
    ),
    # Glance asks for an engine, whose URL is all it takes from it. Metadata definitions are rows, not schema.
    "glance": (
        "import sqlalchemy; engine = sqlalchemy.create_engine('sqlite://')",
        "from glance.db.sqlalchemy import alembic_migrations; config = alembic_migrations.get_alembic_config(engine)",
        _ALEMBIC,
    ),
    "placement": (
        "from placement.db.sqlalchemy.migration import _alembic_config; config = _alembic_config()",
        _ALEMBIC,
    ),
    # Each cell's database (nova_cell0 too) has the tables of `nova`; the API's has others.
    "nova": ("from nova.db.migration import _find_alembic_conf; config = _find_alembic_conf('main')", _ALEMBIC),
    "nova_api": ("from nova.db.migration import _find_alembic_conf; config = _find_alembic_conf('api')", _ALEMBIC),
    # Two branches, expand and contract, end in one version table.
    "neutron": ("from neutron.db.migration import cli; config = cli.get_neutron_config()", _ALEMBIC),
}
"""Per program: lines that leave its Alembic heads in `heads`, by the program's own functions.

All of them keep their revisions in Alembic's default table, `alembic_version`.
"""


def file_of(release: str) -> Path:
    """The committed table of a release."""
    return Path(__file__).parent / "release" / f"heads-{release}.json"


def generate(environment: Path) -> str:
    """The table's text, for an unpacked environment. Raises WallcloudError."""
    table: dict[str, dict[str, list[str]]] = {}
    for program, lines in _PROGRAMS.items():
        code = "\n".join((*lines, "import json; print(json.dumps(sorted(heads)))"))
        printed: list[str] = []
        argv = (str(environment / "bin/python"), "-W", "ignore", "-c", code)
        ran = stream(argv, printed.append, env=clean_environment(), cwd=environment)
        must(f"{program} does not tell its schema's heads", "has its migration module moved in this release?", ran)
        table[program] = {"alembic_version": json.loads(printed[-1])}
    return json.dumps(table, indent=1, sort_keys=True) + "\n"
