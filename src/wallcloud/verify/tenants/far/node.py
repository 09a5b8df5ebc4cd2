"""What a node tells: its inventory, and what its wires carry."""

from __future__ import annotations

from wallcloud.verify.far import loop
from wallcloud.verify.tenants.far import inventory, sniffer


def main() -> None:
    """Serves these kinds."""
    kinds = (inventory.inventory, sniffer.sniff, sniffer.sniff_wait, sniffer.sniff_end)
    loop.serve({kind.__name__: kind for kind in kinds})
