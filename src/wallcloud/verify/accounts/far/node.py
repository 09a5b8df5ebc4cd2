"""The program of this part on a node."""

from __future__ import annotations

from typing import Any

from wallcloud.verify.accounts.far import people, servers
from wallcloud.verify.far import loop


def told(commanders: list[str], offers: dict[str, str] | None) -> dict[str, Any]:
    """The node's own accounts, and with `offers` those of the servers on it."""
    own = people.people(commanders)
    return {**own, **(servers.servers(offers) if offers else {})}


def main() -> None:
    """Serves this kind."""
    loop.serve({"told": told})
