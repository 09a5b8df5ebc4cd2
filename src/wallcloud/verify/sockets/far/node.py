"""The program of this part on a node."""

from __future__ import annotations

from wallcloud.verify.far import loop
from wallcloud.verify.sockets.far import listening


def main() -> None:
    """Serves these kinds."""
    loop.serve({"sockets": listening.sockets})
