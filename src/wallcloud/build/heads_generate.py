"""Generates release/heads-RELEASE.json: where each program's schema ends, asked of the program itself."""

from __future__ import annotations

import json
from pathlib import Path

from wallcloud.build.run import clean_environment, must, stream

_PROGRAMS = {
    # keystone.conf.configure and oslo.db register [database], which its Alembic configuration reads.
    "keystone": (
        "import keystone.conf; keystone.conf.configure()",
        "from oslo_db import options; options.set_defaults(keystone.conf.CONF)",
        "import keystone.common.sql.upgrades as u; heads = list(u.get_head_revisions().values())",
    ),
}
"""Per program: lines that leave its Alembic heads in `heads`, by the program's own function."""


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
