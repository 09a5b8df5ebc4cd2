"""apt with one source: a folder of blobs. Its lists, cache and sources are its own, never the node's."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wallcloud.node import dpkg, files, systemd
from wallcloud.node.failure import ResourceFailed
from wallcloud.node.resource import Context
from wallcloud.node.run import run, stream, wait_for

FOLDER = Path("/var/cache/wallcloud/apt")
INDEXES = Path("/var/lib/wallcloud/index")
POLICY = "/usr/sbin/policy-rc.d"
ASIDE = "/usr/sbin/policy-rc.d.before-wallcloud"
LOG = Path("/run/wallcloud/apt.log")
"""A file and no pipe: should converge be killed, apt and dpkg go on to their end."""
LOCK_SECONDS = 120
INSTALL_SECONDS = 3600
MARK = "# Wallcloud: no daemon starts while packages install"
_POLICY = f"#!/bin/sh\n{MARK}\nexit 101\n"
_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",
    # Packages ask systemd to read all its units anew, each one for itself: once is enough, when all are there.
    "SYSTEMD_OFFLINE": "1",
    "UCF_FORCE_CONFFOLD": "1",
}
_INSTALLS = re.compile(r"^Inst (\S+) (?:\[[^]]*\] )?\((\S+)", re.MULTILINE)


def kept_index(ctx: Context, digest: str) -> dict[str, str] | None:
    """Versions by name of the pool that the node was last brought to, if that is `digest`."""
    path = INDEXES / digest
    return ctx.cached(f"index {digest}", lambda: versions(path) if path.is_file() else None)


def keep_index(digest: str, index: Path) -> None:
    """Notes which pool the node was brought to; earlier ones leave."""
    INDEXES.mkdir(parents=True, exist_ok=True)
    files.write(str(INDEXES / digest), index.read_bytes(), "root", "root", 0o644)
    for other in INDEXES.iterdir():
        if other.name != digest:
            other.unlink()
    index.unlink(missing_ok=True)


def versions(index: Path) -> dict[str, str]:
    """Version by package name of an index."""
    return {each.name: each.version for each in dpkg.parse(index.read_text())}


def forbidden() -> bool:
    """Whether an interrupted installation of ours still stands in the way of the node's own policy."""
    return _ours() or files.status(ASIDE) is not None


def _ours() -> bool:
    try:
        return MARK in Path(POLICY).read_text(errors="replace")
    except OSError:
        return False


@contextmanager
def no_daemon_starts() -> Iterator[None]:
    """Maintainer scripts start nothing in here (policy-rc.d, invoke-rc.d(8)); the node's own policy comes back after.

    A kill leaves the policy, marked: `forbidden` sees it, and the next run through here takes it away.
    """
    if not _ours() and files.status(POLICY) is not None:
        os.rename(POLICY, ASIDE)  # noqa: PTH104
    files.write(POLICY, _POLICY.encode(), "root", "root", 0o755)
    try:
        yield
    finally:
        if files.status(ASIDE) is not None:
            os.rename(ASIDE, POLICY)  # noqa: PTH104
        else:
            files.discard(POLICY)


def wait_for_lock(ctx: Context) -> None:
    """Waits until no other package manager runs. Raises ResourceFailed that names it."""
    holder = dpkg.lock_holder()
    if holder is None:
        return
    ctx.note(f"waits for pid {holder[0]} ({holder[1]}), which holds the lock of the package manager")
    if not wait_for(lambda: dpkg.lock_holder() is None, LOCK_SECONDS):
        pid, program = dpkg.lock_holder() or holder
        raise ResourceFailed(
            f"pid {pid} ({program}) has held the lock of the package manager for {LOCK_SECONDS} s",
            tried=f"lock {dpkg.ADMIN}/lock-frontend",
            hint=f"see what it does on the node: ps -f {pid}; then run wallcloud apply again",
        )


def mend(ctx: Context) -> None:
    """Finishes what an interrupted installation left."""
    ctx.note("finishes an interrupted installation")
    stream(
        LOG,
        ("dpkg", "--force-confdef", "--force-confold", "--configure", "-a"),
        ctx.note,
        INSTALL_SECONDS,
        environment=_ENVIRONMENT,
    )


def install(ctx: Context, index: Path, wanted: tuple[str, ...], half: tuple[str, ...] = ()) -> None:
    """Installs `wanted` ("name" or "name=version") and what they need, from the pool alone.

    `half` are those among them that dpkg has half installed: for apt they are there, unless it is told otherwise.
    """
    pool = FOLDER / "pool"
    pool.mkdir(parents=True, exist_ok=True)
    for part in ("lists/partial", "archives/partial"):
        (FOLDER / part).mkdir(parents=True, exist_ok=True)
    (FOLDER / "sources.list").write_text(f"deb [trusted=yes] file:{pool} ./\n")
    (pool / "Packages").write_bytes(index.read_bytes())
    words = (*(("--reinstall",) if half else ()), *wanted)
    run(_apt("update"), timeout=120, environment=_ENVIRONMENT)
    plan = run(
        _apt("install", "--simulate", *words),
        timeout=120,
        environment=_ENVIRONMENT,
        hint="the pool lacks something; refresh it: wallcloud build --refresh",
    )
    steps = _INSTALLS.findall(plan.stdout)
    debs = _debs(index, dict(steps))
    for digest, blob in ctx.blobs(tuple(debs)).items():
        target = pool / f"{digest}.deb"
        target.unlink(missing_ok=True)
        os.link(blob, target)
    done = 0

    def tell(line: str) -> None:
        nonlocal done
        if line.startswith(("Unpacking ", "Setting up ")):
            done += 1
            ctx.note(line.rstrip(" ."), done, 2 * len(steps))

    stream(LOG, _apt("install", *words), tell, INSTALL_SECONDS, environment=_ENVIRONMENT)
    if "systemd" in dict(steps):
        # Its own package would, were it not for SYSTEMD_OFFLINE.
        systemd.systemctl("daemon-reexec")
        systemd.systemctl("try-restart", "systemd-journald.service")
    for digest, blob in zip(debs, [pool / f"{digest}.deb" for digest in debs], strict=True):
        blob.unlink(missing_ok=True)
        (Path("/var/cache/wallcloud/blobs") / digest).unlink(missing_ok=True)


def _debs(index: Path, wanted: dict[str, str]) -> tuple[str, ...]:
    """Digests of the .deb files of `wanted` (version by name)."""
    names = {(each.name, each.version): each.filename for each in dpkg.parse(index.read_text())}
    found = [names.get((name.partition(":")[0], version)) for name, version in wanted.items()]
    return tuple(each.rpartition("/")[2].removesuffix(".deb") for each in found if each)


def _apt(command: str, *arguments: str) -> tuple[str, ...]:
    options = {
        "Dir::Etc::SourceList": str(FOLDER / "sources.list"),
        "Dir::Etc::SourceParts": "-",
        "Dir::Etc::Preferences": "-",
        "Dir::Etc::PreferencesParts": "-",
        "Dir::State::Lists": str(FOLDER / "lists"),
        "Dir::Cache::Archives": str(FOLDER / "archives"),
        "Dir::Cache::PkgCache": "",
        "Dir::Cache::SrcPkgCache": "",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        "APT::Get::List-Cleanup": "0",
        "APT::Install-Recommends": "0",
        "APT::Update::Post-Invoke::": "",
        "DPkg::Lock::Timeout": str(LOCK_SECONDS),
        "DPkg::Options::": "--force-confdef",
        "Dpkg::Use-Pty": "0",
    }
    flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    more = ("-o", "DPkg::Options::=--force-confold")
    install = ("--yes", "--fix-broken", "--no-remove") if command == "install" else ()
    return ("apt-get", "--quiet", *flags, *more, command, *install, *arguments)
