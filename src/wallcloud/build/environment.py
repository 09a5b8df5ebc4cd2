"""The one Python environment of a release: every part of OpenStack, from the committed lock and nothing else.

uv installs the lock (hashes required, no resolving) into a relocatable venv on Debian's Python 3.11; what no node loads
is dropped (`environment_drops`); Debian's Python compiles and packs it (`environment_pack`). The result is one blob, a
squashfs image, the same for every deployer, mounted on a node at `path_on_node(digest)`.
"""

import os
import re
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uv

from wallcloud.build import environment_drops, environment_pack
from wallcloud.build.cache import Cache, Result, digest_of, key_of
from wallcloud.build.environment_drops import DROPS, Drop
from wallcloud.build.releases import lock_of
from wallcloud.build.run import clean_environment, must, stream
from wallcloud.build.tools import prerequisites
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.progress import Progress, step

PYTHON = Path("/usr/bin/python3")
_VERSION = "3.11"
# No user's packages, no folder of the script on the path; -I would also ignore PYTHONHASHSEED.
_PLAIN = ("-s", "-P")
_SHARDS = 16
_NODE_FOLDER = "/opt/wallcloud/env"
_SITE = f"lib/python{_VERSION}/site-packages"
# New objects between two looks (700 by default): loading Neutron takes 2.1 s of processor time for 2.6 s.
_GC_THRESHOLD = 50_000
_LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s\\;]+)", re.MULTILINE)


@frozen
class Artifact:
    """A built blob: its SHA-256, its size in bytes, where it is in the cache, and what to call it."""

    digest: str
    size: int
    path: Path
    name: str


def path_on_node(digest: str) -> str:
    """Where a node has the environment of this digest."""
    return f"{_NODE_FOLDER}/{digest[:16]}"


def key(release: str) -> str:
    """The cache key of a release's environment: its lock, the Python line, and the recipe (this code) itself."""
    recipe = [digest_of(Path(file)) for file in (__file__, environment_drops.__file__, environment_pack.__file__)]
    return key_of("environment", digest_of(lock_of(release)), _VERSION, *recipe)


def build(cache: Cache, release: str, progress: Progress) -> Artifact:
    """The environment of `release`, built if the cache has it not. Raises WallcloudError."""
    name = key(release)
    result = cache.result(name)
    if result is None:
        with cache.lock(name):
            result = cache.result(name)  # another process may have built it while this one waited
            if result is None:
                _require_python(PYTHON)
                prerequisites(("mksquashfs",), progress)
                with cache.scratch() as folder:
                    _make(folder / "env", lock_of(release), progress)
                    _pack(folder / "env", folder / "env.squashfs", progress)
                    result = Result(cache.add_file(folder / "env.squashfs"))
                cache.record(name, result)
    path = cache.blob(result.digest)
    return Artifact(result.digest, path.stat().st_size, path, f"environment-{release}")


def locked(lock: str) -> dict[str, str]:
    """The packages of a lock's text: normalised name -> version."""
    return {_normal(name): version for name, version in _LOCKED.findall(lock)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # PEP 503


def _require_python(python: Path) -> None:
    try:
        ran = subprocess.run(
            [str(python), "-Ic", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        version = ran.stdout.strip() or ran.stderr.strip().splitlines()[-1]
    except (OSError, IndexError):
        version = "missing"
    if version != _VERSION:
        raise WallcloudError(
            f"{python} must be Python {_VERSION}, as on the nodes; here it is {version}",
            where="this computer",
            hint="run Wallcloud on Debian 12, which has that Python (package python3)",
        )


def _make(env: Path, lock: Path, progress: Progress) -> None:
    wanted = locked(lock.read_text())
    environment = clean_environment(
        # What may be compiled from source is pure Python, or can do without: see environment_drops.
        CC="/bin/false",
        UV_NO_PROGRESS="1",
    )
    binary = uv.find_uv_bin()
    on, into = ("--python", str(PYTHON)), ("--python", str(env / "bin/python"))
    with step(progress, "environment: install", len(wanted), "packages"):
        ran = stream(
            (binary, "venv", "--quiet", "--relocatable", "--no-project", "--no-python-downloads", *on, str(env)),
            lambda _line: None,
            env=environment,
            cwd=env.parent,
        )
        must("uv could not make a virtual environment", "see uv's own words below", ran)
        seen: set[str] = set()

        def tell(line: str) -> None:
            words = line.split()
            if len(words) > 1 and words[0] in {"Building", "Downloading", "Downloaded", "Built", "+"}:
                if words[0] == "+":
                    seen.add(words[1])
                progress.advance("environment: install", len(seen), " ".join(words))

        ran = stream(
            # The lock also says which setuptools builds the two packages that have no wheel.
            (binary, "pip", "install", *into, "--require-hashes", "--no-deps", "-b", str(lock), "-r", str(lock)),
            tell,
            env=environment,
            cwd=env.parent,
        )
        must(
            "uv could not install the locked packages",
            "if the registry did not answer, try again; a hash that differs is a package to distrust",
            ran,
        )
        _compare(wanted, env)
    _settle(env)
    with step(progress, "environment: drop what nodes never load"):
        drop(env, DROPS)
    _compile(env, progress)


def _compare(wanted: dict[str, str], env: Path) -> None:
    """The install must be exactly the lock."""
    installed: dict[str, str] = {}
    for info in (env / _SITE).glob("*.dist-info"):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        installed[_normal(name)] = version
    wrong = sorted(
        f"{name}: locked {wanted.get(name, 'not')}, installed {installed.get(name, 'not')}"
        for name in wanted.keys() | installed.keys()
        if wanted.get(name) != installed.get(name)
    )
    if wrong:
        raise WallcloudError("the installed packages are not those of the lock", output=tuple(wrong))


def _settle(env: Path) -> None:
    """Takes out what names the deployer: uv's and Python's exact versions. Every Python of it looks for cycles as
    seldom as suits programs of a million objects (gc, site)."""
    (env / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {_VERSION}\n")
    (env / _SITE / "wallcloud_gc.pth").write_text(f"import gc; gc.set_threshold({_GC_THRESHOLD})\n")


def drop(env: Path, drops: Iterable[Drop]) -> int:
    """Removes what `drops` name from the environment and from its packages' RECORDs; returns how many files.

    Files are unlinked, never written: uv links them to those in its own cache.
    """
    gone: set[str] = set()
    for each in drops:
        kept = {env / name for name in each.keep}
        for path in list(env.glob(each.pattern)):
            if path not in kept:
                gone |= _remove(path)
    site = env / _SITE
    missing = {os.path.relpath(name, site) for name in gone}
    for record in site.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        left = [line for line in lines if line.split(",", 1)[0] not in missing]
        if left != lines:
            record.unlink()
            record.write_text("".join(left))
    return len(gone)


def _remove(path: Path) -> set[str]:
    if not path.is_dir() or path.is_symlink():
        path.unlink()
        return {str(path)}
    gone: set[str] = set()
    for inner in path.iterdir():
        gone |= _remove(inner)
    path.rmdir()
    return gone


def _compile(env: Path, progress: Progress) -> None:
    names = sorted(str(path.relative_to(env)) for path in (env / "lib").rglob("*.py") if path.is_file())
    shards = [names[first::_SHARDS] for first in range(_SHARDS)]
    done = [0] * _SHARDS
    name = "environment: compile"

    def run(number: int) -> None:
        def tell(line: str) -> None:
            if line.isdigit():
                done[number] = int(line)
                progress.advance(name, sum(done))

        argv = [str(PYTHON), *_PLAIN, environment_pack.__file__, "compile", str(env)]
        # Sets of constants are marshalled in the order of their hashes.
        environment = clean_environment(PYTHONHASHSEED="0")
        ran = stream(argv, tell, env=environment, cwd=env, stdin="\n".join(shards[number]))
        must("the environment's modules could not be compiled", "see the output below", ran)

    with step(progress, name, len(names), "files"), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for future in [pool.submit(run, number) for number in range(_SHARDS)]:
            future.result()


def _pack(env: Path, output: Path, progress: Progress) -> None:
    size = sum(path.stat().st_size for path in env.rglob("*") if path.is_file() and not path.is_symlink())
    name = "environment: pack"

    def tell(line: str) -> None:
        if line.isdigit():
            progress.advance(name, int(line))

    with step(progress, name, size, "B"):
        argv = [str(PYTHON), *_PLAIN, environment_pack.__file__, "pack", str(env), str(output)]
        ran = stream(argv, tell, env=clean_environment(), cwd=env.parent)
        must("the environment could not be packed", "is the disk full?", ran)
