"""The base root: Debian's minimum with systemd, SSH and Python, as the immutable lower layer of the lab's machines.

mmdebstrap makes what `debootstrap --variant=minbase` would, in one apt run that includes security updates. Mirror,
suite and keys are the host's own: its apt sources of Debian itself (suites named after the host's VERSION_CODENAME),
one-line or deb822; no other archive gets in. Nothing of Wallcloud's is inside. Results are trees of the cache, keyed by
recipe version, settings, suite, architecture and package names.
"""

import os
import platform
import re
from pathlib import Path

from wallcloud.build.cache import Cache, key_of
from wallcloud.build.run import clean_environment, must, stream
from wallcloud.build.tools import prerequisites
from wallcloud.errors import WallcloudError
from wallcloud.progress import Progress, step

RECIPE = 2
"""Version of how a base root is made; counted up when that changes in a way that the settings below do not show."""

PACKAGES = ("dbus", "iproute2", "openssh-server", "python3", "systemd", "systemd-sysv")
"""Beyond minbase: an init, the way in, and what the node's side of Wallcloud runs on."""

OUTSIDE_PACKAGES = ("chrony",)
"""What the outside world of a lab runs: an NTP server."""

MASKED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
)
"""Units of Debian that a lab machine has no use for: there are no archives, disks or consoles to tend."""

_DPKG = """\
# A lab image: its disks are thrown away, and the documentation is on the host.
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/man/*
"""
_SSHD = """\
# Keys alone, and nothing that asks a network or a daemon during login.
UseDNS no
GSSAPIAuthentication no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
"""
_REMOVED = (
    "etc/hostname",
    "etc/resolv.conf",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/*",
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "etc/ssh/ssh_host_*",
    "var/cache/apt/*.bin",
    "var/cache/debconf/*-old",
    "var/cache/ldconfig/*",
    "var/lib/apt/lists/*_*",
    "var/log/*.log",
    "var/log/apt/*",
)
_STAGE = re.compile(r"I: (.+?)\.{0,3}$")


def build(cache: Cache, progress: Progress) -> Path:
    """The base root of the lab's machines; made (half a minute, 200 MB) if the cache has it not."""
    return _built(cache, progress, "root", "minbase", PACKAGES)


def build_outside(cache: Cache, progress: Progress) -> Path:
    """The root of the programs that serve in the lab's outside world: unpacked, never booted."""
    return _built(cache, progress, "outside", "extract", OUTSIDE_PACKAGES)


def codename() -> str:
    """The host's VERSION_CODENAME (os-release(5)): the suite of the machines."""
    found = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    if not found:
        raise WallcloudError(
            "this host's /etc/os-release names no VERSION_CODENAME", hint="run the lab on a Debian release"
        )
    return found


def debian_sources(suite: str, etc_apt: Path = Path("/etc/apt")) -> str:
    """The host's apt sources of Debian's own archives for `suite`, its updates and its security, in one-line style.

    Sources of other suites and other archives are left out: they are told apart by their suites' names. Sources that
    are disabled or for source packages are left out. See sources.list(5). Raises WallcloudError if none is left.
    """
    suites = {suite, f"{suite}-updates", f"{suite}-security", f"{suite}/updates"}
    lines: list[str] = []
    for file in (etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))):
        if not file.is_file():
            continue
        text = file.read_text(errors="replace")
        if file.suffix == ".list":
            lines += _one_line(text, suites)
        elif file.suffix == ".sources":
            lines += _deb822(text, suites)
    if not any(f" {suite} " in line for line in lines):
        raise WallcloudError(
            f"apt on this host has no source of Debian {suite}",
            where=str(etc_apt),
            hint=f"the lab's machines are installed from the host's own apt sources: add one with the suite {suite}",
        )
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _one_line(text: str, suites: set[str]) -> list[str]:
    """`deb [options] uri suite components…`; options (keys, architectures) are kept."""
    found = []
    for line in text.splitlines():
        match = re.match(r"deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line.strip())
        if match and match[3] in suites:
            options = f"{' '.join(match[1].split())} " if match[1] else ""
            found.append(f"deb {options}{match[2]} {match[3]} {' '.join(match[4].split())}")
    return found


def _deb822(text: str, suites: set[str]) -> list[str]:
    found = []
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = {
            match[1].lower(): " ".join(match[2].split())
            for match in re.finditer(r"(?m)^([A-Za-z0-9-]+):((?:[^\n]*)(?:\n[ \t][^\n]*)*)", stanza)
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        key = fields.get("signed-by", "")
        # A key written into the stanza has no one-line form; mmdebstrap then finds Debian's own keyring.
        option = f"[signed-by={key}] " if key.startswith("/") else ""
        found += [
            f"deb {option}{uri} {suite} {fields.get('components', 'main')}"
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
            if suite in suites
        ]
    return found


def _built(cache: Cache, progress: Progress, kind: str, variant: str, packages: tuple[str, ...]) -> Path:
    suite = codename()
    settings = (_DPKG, _SSHD, _REMOVED, MASKED)
    key = key_of(kind, RECIPE, suite, platform.machine(), variant, packages, settings)
    with cache.lock(key):
        found = cache.tree(key)
        if found is not None:
            return found
        if os.geteuid() != 0:
            raise WallcloudError("only root can make a base root", hint="run this command as root, once")
        prerequisites(("mmdebstrap",), progress)
        name = "base root" if kind == "root" else f"base root: {' '.join(packages)}"
        with step(progress, name), cache.scratch() as folder:
            sources = folder / "sources.list"
            sources.write_text(debian_sources(suite))
            root = folder / "root"
            argv = ("mmdebstrap", "--mode=root", f"--variant={variant}", "--format=directory")
            options = [f"--dpkgopt={line}" for line in _DPKG.splitlines() if not line.startswith("#")]

            def said(line: str) -> None:
                match = _STAGE.match(line)
                if match:
                    progress.advance(name, 0, match[1])

            ran = stream(
                (*argv, *options, f"--include={','.join(packages)}", suite, str(root), str(sources)),
                said,
                env=clean_environment(SOURCE_DATE_EPOCH="0", TMPDIR="/tmp"),  # noqa: S108  # apt's user must get in
                cwd=Path("/"),
            )
            must("the base root could not be made", "can this host's apt install packages? apt-get update tells", ran)
            _trim(root)
            if variant == "minbase":
                _settle(root)
            else:
                (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
                (root / "etc/group").write_text("root:x:0:\n")
            for mountpoint in ("proc", "run", "sys"):
                (root / mountpoint).mkdir(exist_ok=True)
            root.chmod(0o755)
            return cache.add_tree(key, root)


def _trim(root: Path) -> None:
    """Removes what is the host's, the moment's or a secret."""
    for pattern in _REMOVED:
        for path in root.glob(pattern):
            path.unlink()


def _settle(root: Path) -> None:
    """The few settings of a lab image. A real host's counterpart is its installer."""
    _write(root / "etc/dpkg/dpkg.cfg.d/wallcloud-lab", _DPKG)
    _write(root / "etc/ssh/sshd_config.d/wallcloud-lab.conf", _SSHD)
    _write(root / "etc/machine-id", "")  # empty, not absent: an absent one means "first boot"
    _write(root / "etc/default/locale", "LANG=C.UTF-8\n")  # PAM complains of its absence at every login
    _write(root / "etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
    for unit in MASKED:
        mask = root / "etc/systemd/system" / unit
        mask.unlink(missing_ok=True)
        mask.symlink_to("/dev/null")
    enabled = root / "etc/systemd/system/multi-user.target.wants/ssh.service"
    if not enabled.is_symlink():
        raise WallcloudError("Debian's openssh-server did not enable ssh.service", hint="this is a bug of Wallcloud")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)
