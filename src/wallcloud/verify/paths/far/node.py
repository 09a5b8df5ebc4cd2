"""The program of this part on a node."""

from __future__ import annotations

from typing import Any

from wallcloud.verify.far import loop
from wallcloud.verify.paths.far import dumping, searching, trying, writing


def dumps() -> dict[str, Any]:
    """Limits of units, and the kernel's settings."""
    return {"cores": dumping.cores(), "kernel": dumping.kernel()}


def main() -> None:
    """Serves these kinds."""
    kinds = (trying.places, trying.shapes, trying.tried, writing.writable, searching.search, dumps)
    loop.serve({kind.__name__: kind for kind in kinds})
