"""The pool of Debian packages that the nodes need beyond the base root: each .deb a blob, and one index over them.

The index is the text of an apt `Packages` file (deb822) in which `Filename:` is `<sha256>.deb`, so that a node offers
its own apt the blobs it was given as a local source. It is a blob itself; its digest names the whole pool.
"""

from collections.abc import Mapping
from pathlib import Path

from wallcloud.build.apt import Apt, Stanza, Version, architecture, require_apt, sources, stanzas_in
from wallcloud.build.cache import Cache, Result, digest_of, key_of
from wallcloud.frozen import frozen
from wallcloud.progress import Progress, step

_RECIPE = 1
# Left out of the index: where the mirror has it, weak hashes, and pointers into files that a node does not have.
_DROPPED = frozenset({"Filename", "MD5sum", "SHA1", "Description-md5"})


@frozen
class Package:
    """One package of the pool; `digest` is the SHA-256 of its .deb, `size` in bytes."""

    name: str
    version: str
    architecture: str
    digest: str
    size: int


@frozen
class Pool:
    """The digest of the index, and what is in it, sorted by name and version."""

    index: str
    packages: tuple[Package, ...]

    @property
    def size(self) -> int:
        """Bytes of all .deb files."""
        return sum(package.size for package in self.packages)


def build(
    cache: Cache,
    names: Mapping[str, tuple[str, ...]],
    progress: Progress,
    *,
    status: Path,
    refresh: bool = False,
    etc: Path = Path("/etc/apt"),
) -> Pool:
    """The pool for `names` (role -> package names), resolved over the dpkg `status` file of the base root.

    What the cache has is taken as it is, however old; `refresh` asks the repositories anew (new security updates).
    Each role is resolved by itself, as no node has all of them. Raises WallcloudError.
    """
    require_apt()
    key = key_of(
        "packages",
        _RECIPE,
        {role: sorted(set(each)) for role, each in names.items()},
        architecture(),
        digest_of(status),
        [digest_of(file) for file in sources(etc)],
    )
    found = None if refresh else cache.result(key)
    if found is None:
        with cache.lock(key):
            found = None if refresh else cache.result(key)
            if found is None:
                found = _make(cache, names, status, etc, progress)
                cache.record(key, found)
    return Pool(found.digest, packages_in(cache.blob(found.digest).read_text()))


def packages_in(index: str) -> tuple[Package, ...]:
    """What an index names."""
    return tuple(
        Package(each["Package"], each["Version"], each["Architecture"], each["SHA256"], int(each["Size"]))
        for each in stanzas_in(index)
    )


def render(stanzas: Mapping[Version, Stanza]) -> str:
    """The text of an index: the same for the same packages, sorted by name and version."""
    blocks = []
    for version in sorted(stanzas):
        fields = {name: value for name, value in stanzas[version].items() if name not in _DROPPED}
        fields["Filename"] = f"{fields['SHA256']}.deb"
        blocks.append("".join(f"{name}: {value}".rstrip() + "\n" for name, value in fields.items()))
    return "\n".join(blocks)


def _make(cache: Cache, names: Mapping[str, tuple[str, ...]], status: Path, etc: Path, progress: Progress) -> Result:
    with cache.scratch() as folder:
        apt = Apt(folder, status, etc)
        with step(progress, "packages: lists"):
            apt.update(lambda line: progress.advance("packages: lists", 0, line))
        wanted: set[Version] = set()
        with step(progress, "packages: resolve", len(names), "roles"):
            for done, (role, each) in enumerate(sorted(names.items())):
                progress.advance("packages: resolve", done, role)
                wanted |= set(apt.closure(sorted(set(each)))) if each else set()
            stanzas = apt.stanzas(wanted) if wanted else {}
        _fetch(cache, apt, stanzas, progress)
        return Result(
            cache.add_bytes(render(stanzas).encode()),
            tuple(sorted(stanza["SHA256"] for stanza in stanzas.values())),
        )


def _fetch(cache: Cache, apt: Apt, stanzas: Mapping[Version, Stanza], progress: Progress) -> None:
    lacking = {version: stanza for version, stanza in stanzas.items() if not cache.has(stanza["SHA256"])}
    if not lacking:
        return
    sizes = {version.name: int(stanza["Size"]) for version, stanza in lacking.items()}
    name, done = "packages: download", 0

    def tell(package: str) -> None:
        nonlocal done
        progress.advance(name, done, package)
        done += sizes.get(package, 0)

    promised = {(version.name, version.version): stanza["SHA256"] for version, stanza in lacking.items()}
    with step(progress, name, sum(sizes.values()), "B"):
        for file in apt.download(lacking, tell):
            # apt has checked it against the signed lists; the cache checks what it really stores.
            package, version, _ = file.name.removesuffix(".deb").split("_")
            cache.add_file(file, promised[package, version.replace("%3a", ":")])
