"""What a node or a workstation does for this part."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

from wallcloud.verify.encryption.far import record, shake, traces
from wallcloud.verify.far import loop
from wallcloud.verify.tenants.far import workstation

_CHILD = "import sys, json; exec(compile(json.loads(sys.stdin.readline()), 'shake', 'exec'))\nmain()"


def _filled(tries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`borrow`: certificate and key of a neighbour on this node, which root may read and the account may not."""
    return [
        {**one, "shown": [Path(path).read_text(encoding="ascii") for path in one["borrow"]]} if "borrow" in one else one
        for one in tries
    ]


def handshakes(account: str, program: str, tries: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Tries as `account`, in a process that is this account's from its beginning; "" is whoever runs this program.

    Raises RuntimeError where there is no such account, or where the process ends early.
    """
    tries = _filled(tries)
    if not account or account == pwd.getpwuid(os.geteuid()).pw_name:
        return shake.attempts(tries)
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        raise RuntimeError(f"there is no account {account}") from None
    done = subprocess.run(
        ("/usr/bin/python3", "-I", "-c", _CHILD),
        input=f"{json.dumps(program)}\n{json.dumps(tries)}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=80,
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=os.getgrouplist(account, entry.pw_gid),
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
    )
    if done.returncode:
        raise RuntimeError(f"as {account}: {(done.stderr.strip().splitlines() or ['ended'])[-1]}")
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def main() -> None:
    """Serves these kinds."""
    kinds = (
        *(handshakes, workstation.api),
        *(record.record, record.record_end, record.shout, record.heard, record.searched),
        *(traces.watch, traces.traces),
    )
    loop.serve({kind.__name__: kind for kind in kinds})
