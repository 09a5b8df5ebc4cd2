"""Generates release/heads-RELEASE.json: run by `make tables` with the release's own environment.

`python -m wallcloud.build.heads_generate RELEASE ENVIRONMENT`
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_PROGRAMS = {
    # keystone.conf.configure registers [database], which its Alembic configuration reads.
    "keystone": (
        "import keystone.conf; keystone.conf.configure(); from oslo_db import options; options.set_defaults(keystone.conf.CONF)\n"
        "import keystone.common.sql.upgrades as u; heads = list(u.get_head_revisions().values())"
    ),
}
"""Per program: a line that leaves its Alembic heads in `heads`, by the program's own function."""


def main() -> None:
    """Writes the table."""
    release, environment = sys.argv[1], Path(sys.argv[2])
    table: dict[str, dict[str, list[str]]] = {}
    for program, line in _PROGRAMS.items():
        code = f"{line}\nimport json; print(json.dumps(sorted(heads)))"
        done = subprocess.run(
            [environment / "bin/python", "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
        )
        table[program] = {"alembic_version": json.loads(done.stdout.splitlines()[-1])}
    target = Path(__file__).parent / "release" / f"heads-{release}.json"
    target.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
