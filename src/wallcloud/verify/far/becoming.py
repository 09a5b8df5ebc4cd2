"""A child that is another account of the node, with its groups and nothing of root's."""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
from collections.abc import Callable
from typing import Any


def become(name: str) -> None:
    """Gives up root for good. The sandbox of the account's unit is not there: what is refused here is refused to a
    stolen account that has left it. Raises KeyError for an account that does not exist."""
    account = pwd.getpwnam(name)
    groups = {account.pw_gid, *(each.gr_gid for each in grp.getgrall() if name in each.gr_mem)}
    os.setgroups(sorted(groups))
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)


def run_as(name: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """A program's end, run as that account in an environment of nobody's. Raises TimeoutExpired after 20 s."""
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        preexec_fn=lambda: become(name),
        cwd="/",
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
    )


def as_account(name: str, act: Callable[[], Any]) -> Any:
    """What `act` returns (JSON) in a child that is that account. Raises RuntimeError with what it raised there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.chdir("/")
            become(name)
            told = {"value": act()}
        except BaseException as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(told))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    told = json.loads(text or '{"error": "the child ended"}')
    if "error" in told:
        raise RuntimeError(f"as {name}: {told['error']}")
    return told["value"]
