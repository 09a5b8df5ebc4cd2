"""What only a node knows and the design needs. Read-only; a fact that cannot be read hides no other."""

import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from wallcloud.node import kvm, network
from wallcloud.node.run import run

CAP_SYS_TIME = 25
WIRES = Path("/etc/wallcloud/wires")
"""The wires of the design that the node was last begun with (catalog, basics)."""


def facts() -> dict[str, Any]:
    """Everything, ready for JSON. Sizes in MiB; a fact that could not be read is None."""
    where = _virtualization()
    why_no_kvm = _or_none(kvm.why_not)
    asked: dict[str, Callable[[], Any]] = {
        "distribution": _distribution,
        "kernel": platform.release,
        "architecture": platform.machine,
        "python": platform.python_version,
        "cores": lambda: len(os.sched_getaffinity(0)),
        "memory_mib": _memory,
        "disk_free_mib": lambda: {path: _free(path) for path in ("/", "/var")},
        "virtualization": lambda: where,
        "clock": lambda: {"adjustable": where not in _CONTAINERS and _may_set_clock(), "unix": time.time()},
        # A device that is there and runs no guest counts as absent.
        "kvm": lambda: why_no_kvm == "",
        "kvm_reason": lambda: why_no_kvm,
        "ovs_kernel": _ovs_kernel,
        "ipv6": lambda: Path("/proc/net/if_inet6").exists(),
        "interfaces": _interfaces,
        "hostname": platform.node,
        "wires": lambda: WIRES.read_text(encoding="utf-8"),
    }
    return {name: _or_none(ask) for name, ask in asked.items()}


_CONTAINERS = {"systemd-nspawn", "lxc", "lxc-libvirt", "docker", "podman", "openvz", "container-other", "wsl"}


def _or_none(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception:
        return None


def _distribution() -> dict[str, str]:
    rows = Path("/etc/os-release").read_text().splitlines()
    found = {key: value.strip('"') for key, _, value in (row.partition("=") for row in rows)}
    return {"id": found.get("ID", ""), "version": found.get("VERSION_ID", "")}


def _memory() -> int:
    row = next(row for row in Path("/proc/meminfo").read_text().splitlines() if row.startswith("MemTotal:"))
    return int(row.split()[1]) // 1024


def _free(path: str) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize >> 20


def _virtualization() -> str:
    """As systemd-detect-virt(1) says; of a container systemd has noted it (systemd's Container Interface)."""
    with suppress(OSError):
        return Path("/run/systemd/container").read_text().strip()
    return run(("systemd-detect-virt",), check=False).stdout.strip() or "none"


def _may_set_clock() -> bool:
    row = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("CapEff:"))
    return bool(int(row.split()[1], 16) >> CAP_SYS_TIME & 1)


def _ovs_kernel() -> bool:
    if Path("/sys/module/openvswitch").exists():
        return True
    lists = (Path("/lib/modules") / platform.release() / name for name in ("modules.dep", "modules.builtin"))
    return any("/openvswitch.ko" in path.read_text() for path in lists if path.is_file())


def _interfaces() -> dict[str, Any]:
    found = network.ask()
    return {
        each.name: {
            "mac": each.mac,
            "mtu": each.mtu,
            "up": each.up,
            "carrier": each.carrier,
            "addresses": list(each.addresses),
        }
        for each in found.values()
        if each.name != "lo"
    }
