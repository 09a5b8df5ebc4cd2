"""The program that this part runs elsewhere: modules in the order of their imports; the last one's `main` serves."""

from __future__ import annotations

from types import ModuleType

from wallcloud.verify.far import loop
from wallcloud.verify.reach.far import ears, packets, program, sender, watcher

PROGRAM: tuple[ModuleType, ...] = (loop, packets, ears, sender, watcher, program)
PROTOCOLS = {"tcp": packets.TCP, "udp": packets.UDP, "icmp": packets.ICMP}
