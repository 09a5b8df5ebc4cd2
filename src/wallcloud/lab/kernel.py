"""What the lab asks of the kernel: network namespaces, devices and routes through iproute2, mounts and cgroups."""

import fcntl
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

NETNS = Path("/run/netns")
CGROUPS = Path("/sys/fs/cgroup")
LOOP_CONTROL = "/dev/loop-control"
LOOPS = tuple(f"/dev/loop{number}" for number in range(32))
"""Loop devices that all machines of all labs share, one for each image that is mounted (loop(4))."""
_LOOP_CTL_ADD = 0x4C80
MARK = "wallcloud-lab:"
"""Begins the alias of a namespace's loopback device; the digest of its wiring follows once that is complete."""


def run(argv: Sequence[str], stdin: str = "", env: dict[str, str] | None = None) -> str:
    """Runs a program; returns its standard output. Raises WallcloudError with its words if it fails."""
    try:
        ran = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, errors="replace", env=env)
    except OSError as error:
        raise WallcloudError(f"{argv[0]} cannot be started: {error.strerror}", where="lab") from error
    if ran.returncode != 0:
        said = tuple((ran.stderr or ran.stdout).splitlines()[-20:])
        raise WallcloudError(f"{' '.join(argv)} failed with status {ran.returncode}", where="lab", output=said)
    return ran.stdout


def make_loops() -> None:
    """Makes those of LOOPS that this host has not: a machine has just the devices that were there when it started.
    Raises WallcloudError."""
    try:
        with Path(LOOP_CONTROL).open("r+b", buffering=0) as control:
            for number, device in enumerate(LOOPS):
                if not Path(device).exists():
                    with suppress(FileExistsError):
                        fcntl.ioctl(control, _LOOP_CTL_ADD, number)
    except OSError as error:
        raise WallcloudError(
            f"this computer makes no loop devices ({LOOP_CONTROL}: {error.strerror})", where="lab", hint="modprobe loop"
        ) from error
    lacking = [device for device in LOOPS if not Path(device).exists()]
    if lacking:
        raise WallcloudError(
            f"{lacking[0]} is not in /dev", where="lab", hint=f"mknod {lacking[0]} b 7 {LOOPS.index(lacking[0])}"
        )


def batch(namespace: str, commands: Iterable[str]) -> None:
    """Runs `ip` commands inside a namespace, in order; stops at the first that fails."""
    text = "".join(f"{command}\n" for command in commands)
    if text:
        run(("ip", "-netns", namespace, "-batch", "-"), stdin=text)


def inside(namespace: str, *argv: str) -> tuple[str, ...]:
    """An argument list that runs `argv` in a network namespace and is elsewhere the host's."""
    return ("nsenter", f"--net={NETNS / namespace}", "--", *argv)


def namespaces(site: str) -> tuple[str, ...]:
    """Names of the network namespaces of a lab, sorted, also those that its site does not name any more.

    Names of sites may hold dashes: what reads as another lab's (one that has wires) is that one's.
    """
    try:
        names = sorted(path.name for path in NETNS.iterdir())
    except FileNotFoundError:
        return ()
    labs = {site} | {name.removeprefix("wc-").removesuffix("-wires") for name in names if name.endswith("-wires")}
    return tuple(name for name in names if _owner(name, labs) == site)


def _owner(name: str, labs: set[str]) -> str | None:
    """The lab whose namespace it is: of those that fit, the one with the longest name."""
    fitting = [
        site for site in labs if re.fullmatch(rf"wc-{re.escape(site)}-(wires|router|office|admin|node-.+)", name)
    ]
    return max(fitting, key=len, default=None)


def inode(namespace: str) -> int | None:
    """Which namespace the name stands for, as /proc/PID/ns/net would say; None for a name without a namespace."""
    try:
        status = (NETNS / namespace).stat()
    except OSError:
        return None
    # A name whose bind mount was never made, or is gone, is a plain empty file on the file system of /run.
    return status.st_ino if status.st_dev == Path("/proc/self/ns/net").stat().st_dev else None


def add_namespace(name: str) -> None:
    """Makes a network namespace, its loopback device up."""
    run(("ip", "netns", "add", name))
    batch(name, ("link set lo up",))


def delete_namespace(name: str) -> None:
    """Removes the name, and with it the namespace unless processes are inside."""
    if inode(name) is not None:
        run(("ip", "netns", "del", name))
    else:
        (NETNS / name).unlink(missing_ok=True)


def links(namespace: str) -> dict[str, dict[str, Any]]:
    """The devices in a namespace by name, as `ip -j -d link` tells them."""
    found = json.loads(run(("ip", "-netns", namespace, "-json", "-details", "link", "show")) or "[]")
    return {link["ifname"]: link for link in found}


def wired(namespace: str) -> str | None:
    """The digest of the wiring that a namespace bears, or None if it is not completely wired."""
    if inode(namespace) is None:
        return None
    alias = str(links(namespace).get("lo", {}).get("ifalias", ""))
    return alias.removeprefix(MARK) if alias.startswith(MARK) else None


def mark(digest: str) -> str:
    """The `ip` command that says that a namespace is completely wired."""
    return f"link set dev lo alias {MARK}{digest}"


def propagated(prefix: str) -> tuple[Path, ...]:
    """Folders that systemd-nspawn keeps per container, of those that begin with `prefix`; left when it is killed."""
    return tuple(sorted(Path("/run/systemd/nspawn/propagate").glob(f"{prefix}*")))


def tidy_netns() -> None:
    """Undoes the mount on /run/netns that the first `ip netns add` makes, if no namespace is left there."""
    mounted = any(line.split()[4] == str(NETNS) for line in _mountinfo())
    if mounted and not any(NETNS.iterdir()):
        # Somebody may be adding a namespace right now: then it is busy, and stays.
        subprocess.run(("umount", str(NETNS)), capture_output=True, check=False)
        with suppress(OSError):
            NETNS.rmdir()


def mounts_below(folder: Path) -> tuple[str, ...]:
    """Mount points at or below `folder` in this mount namespace, deepest first."""
    found = [line.split()[4].replace("\\040", " ") for line in _mountinfo()]
    mine = [point for point in found if point == str(folder) or point.startswith(f"{folder}/")]
    return tuple(sorted(mine, reverse=True))


def _mountinfo() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _own_cgroups() -> list[str]:
    return Path("/proc/self/cgroup").read_text().splitlines()


def systemd() -> bool:
    """Whether systemd is PID 1 here: sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


@frozen
class CgroupRoot:
    """Where cgroups below this process's own are made: in the unified hierarchy, and in systemd's of version 1."""

    unified: Path
    named: Path | None


def cgroup_root() -> CgroupRoot:
    """Folders of this process's own cgroups, below which a machine may get one. cgroups(7).

    Raises WallcloudError where no writable cgroup2 hierarchy is mounted: a machine's systemd needs one.
    """
    mounted: dict[str, Path] = {}
    for line in _mountinfo():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split()[:3]
        point = Path(left.split()[4])
        if kind == "cgroup2":
            mounted.setdefault("", point)
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            mounted.setdefault("name=systemd", point)
    levels = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in _own_cgroups()}

    def folder(name: str) -> Path | None:
        return mounted[name] / levels[name].lstrip("/") if name in mounted and name in levels else None

    unified = folder("")
    if unified is None or not unified.is_dir():
        raise WallcloudError(
            "no cgroup2 hierarchy is mounted here, which the machines' systemd needs",
            where="lab",
            hint="mount one: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
        )
    return CgroupRoot(unified, folder("name=systemd"))


def cgroups(prefix: str) -> Iterator[Path]:
    """Folders in all mounted hierarchies that begin with `prefix`."""
    for folder, names, _ in os.walk(CGROUPS):
        found = sorted(name for name in names if name.startswith(prefix))
        names[:] = [name for name in names if name not in found]
        yield from (Path(folder) / name for name in found)


def remove_cgroup(path: Path) -> None:
    """Removes a cgroup and those in it. All must be empty of processes."""
    for folder in sorted((each for each in path.rglob("*") if each.is_dir()), reverse=True):
        with suppress(OSError):
            folder.rmdir()
    with suppress(OSError):
        path.rmdir()
