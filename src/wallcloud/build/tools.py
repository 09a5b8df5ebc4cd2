"""The host's own programs that building and the lab need; missing ones are installed where that is possible."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from wallcloud.build.run import clean_environment, must, stream
from wallcloud.errors import WallcloudError
from wallcloud.progress import Progress, step

PACKAGES: Mapping[str, str] = {
    "chromium": "chromium",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mksquashfs": "squashfs-tools",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
    "unsquashfs": "squashfs-tools",
}
"""The Debian package of each program that `prerequisites` knows."""

# Root's own PATH may lack the sbin folders (su without a dash), which is where half of these are.
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def missing(programs: Iterable[str]) -> tuple[str, ...]:
    """Those of `programs` that this host has not, sorted."""
    return tuple(sorted(program for program in programs if shutil.which(program, path=_PATH) is None))


def prerequisites(programs: Iterable[str], progress: Progress) -> None:
    """Makes sure that `programs` (keys of `PACKAGES`) are here; root installs what lacks from the host's apt sources.

    Raises WallcloudError, naming the command, for other users, without apt, and when apt fails.
    """
    lacking = missing(programs)
    if not lacking:
        return
    packages = sorted({PACKAGES[program] for program in lacking})
    by_hand = f"apt-get install {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get", path=_PATH) is None:
        raise WallcloudError(f"this computer lacks {', '.join(lacking)}", hint=f"as root: {by_hand}")
    name = f"install {' '.join(packages)}"
    env = clean_environment(DEBIAN_FRONTEND="noninteractive", PATH=_PATH)
    quiet = ("apt-get", "-q", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120")
    with step(progress, name):

        def said(line: str) -> None:
            progress.advance(name, 0, line)

        # An old list names packages that the mirror no longer has; whether the update went well shows in the install.
        stream((*quiet, "update"), said, env=env, cwd=Path("/"))
        ran = stream((*quiet, "install", "-y", "--no-install-recommends", *packages), said, env=env, cwd=Path("/"))
        must(f"{', '.join(lacking)} could not be installed", f"mend apt, or install them by hand: {by_hand}", ran)
    still = missing(lacking)
    if still:
        raise WallcloudError(
            f"{', '.join(still)} is still missing after {by_hand}", hint="is /usr/sbin on root's PATH?"
        )
