"""The programs that this part runs elsewhere: modules in the order of their imports; the last one's `main` serves."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from wallcloud.verify.encryption.far import forms, node, record, shake, streams, traces
from wallcloud.verify.far import loop
from wallcloud.verify.tenants.far import workstation

NODE: tuple[ModuleType, ...] = (loop, workstation, shake, forms, streams, record, traces, node)
SHAKE = Path(shake.__file__).read_text(encoding="utf-8")
"""Runs as another account, so it is sent once more."""
