"""Everything that a release needs on its nodes, built once: the environment and the pool of packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wallcloud.build import environment, packages, root
from wallcloud.build.cache import Cache, Result, key_of
from wallcloud.progress import Progress


@dataclass(frozen=True)
class Built:
    """Digests of what was built for a release."""

    environment: str
    packages: str


def _key(release: str, names: Mapping[str, tuple[str, ...]]) -> str:
    return key_of("release", environment.key(release), {role: sorted(each) for role, each in names.items()})


def build(
    cache: Cache, release: str, names: Mapping[str, tuple[str, ...]], progress: Progress, *, refresh: bool = False
) -> Built:
    """Builds what the cache has not. `refresh` asks Debian's repositories anew. Raises WallcloudError."""
    base = root.build(cache, progress)
    pool = packages.build(cache, names, progress, status=base / "var/lib/dpkg/status", refresh=refresh)
    made = environment.build(cache, release, progress)
    cache.record(_key(release, names), Result(made.digest, (pool.index, *(each.digest for each in pool.packages))))
    return Built(made.digest, pool.index)


def built(cache: Cache, release: str, names: Mapping[str, tuple[str, ...]]) -> Built | None:
    """What `build` made last for the release and these packages, or None where something of it is missing."""
    found = cache.result(_key(release, names))
    return None if found is None else Built(found.digest, found.needs[0])
