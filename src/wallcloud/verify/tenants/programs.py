"""The programs that this part runs elsewhere: modules in the order of their imports; the last one's `main` serves."""

from __future__ import annotations

from types import ModuleType

from wallcloud.verify.far import loop
from wallcloud.verify.tenants.far import inventory, node, sniffer, workstation

WORKSTATION: tuple[ModuleType, ...] = (loop, workstation)
NODE: tuple[ModuleType, ...] = (loop, inventory, sniffer, node)
