"""Whether a process that dies leaves its memory behind (core(5), getrlimit(2), proc(5))."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from wallcloud.verify.far import processes


def cores() -> dict[str, str]:
    """Unit of Wallcloud's → the largest hard limit on core dumps of its processes: a number of bytes or `unlimited`."""
    found: dict[str, str] = {}
    for pid in processes.numbers():
        unit = processes.unit_of(pid)
        if unit.startswith("wallcloud-") or processes.about_name(pid).startswith("qemu"):
            with suppress(OSError):
                text = (processes.PROC / str(pid) / "limits").read_text(encoding="utf-8")
                limit = re.search(r"^Max core file size\s+\S+\s+(\S+)", text, re.MULTILINE)
                name = re.sub(r"@.*(?=\.service)", "@", unit or "qemu")
                found[name] = _larger(found.get(name, "0"), limit[1] if limit else "unlimited")
    return found


def _larger(one: str, other: str) -> str:
    return max(one, other, key=lambda text: float("inf") if text == "unlimited" else float(text))


def kernel() -> dict[str, str]:
    """What the kernel does with dumps."""
    return {
        name: Path(f"/proc/sys/{name.replace('.', '/')}").read_text(encoding="utf-8").strip()
        for name in ("kernel.core_pattern", "fs.suid_dumpable")
    }
