"""The program of this part on a node."""

from __future__ import annotations

from typing import Any

from wallcloud.verify.accounts.far import knocking, people, servers
from wallcloud.verify.far import loop


def told(commanders: list[str], offers: dict[str, str] | None, knocks: list[list[str]]) -> dict[str, Any]:
    """The node's own accounts, and with `offers` those of the servers on it, and what came of `knocks` at MariaDB."""
    own = people.people(commanders)
    return {**own, **({**servers.servers(offers), "knocked": knocking.knocked(knocks)} if offers else {})}


def main() -> None:
    """Serves this kind."""
    loop.serve({"told": told})
