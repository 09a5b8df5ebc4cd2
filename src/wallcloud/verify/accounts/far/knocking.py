"""Accounts of the node at MariaDB's socket: as whom the server lets them in."""

from __future__ import annotations

from wallcloud.verify.far.becoming import run_as

_CLIENT = ("mariadb", "--no-defaults", "--protocol=socket", "--socket=/run/mysqld/mysqld.sock", "--skip-ssl", "--batch")


def knocked(tries: list[list[str]]) -> list[str]:
    """For each (account, user): `let in` or `refused`, or what else the client said."""
    return [_knock(account, user) for account, user in tries]


def _knock(account: str, user: str) -> str:
    done = run_as(account, [*_CLIENT, f"--user={user}", "--execute=SELECT 1"])
    if done.returncode == 0:
        return "let in"
    # 1045 and 1698: Access denied.
    return "refused" if "ERROR 1045 " in done.stderr or "ERROR 1698 " in done.stderr else done.stderr.strip()[:100]
