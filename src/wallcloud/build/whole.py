"""Everything that a release needs, built once: the environment, the pool of packages, the guest image."""

from __future__ import annotations

from collections.abc import Mapping

from wallcloud.build import environment, guest_image, packages, root
from wallcloud.build.cache import Cache, Result, key_of
from wallcloud.frozen import frozen
from wallcloud.progress import Progress


@frozen
class Built:
    """Digests of what was built for a release."""

    environment: str
    packages: str
    guest: guest_image.Guest


def _key(release: str, names: Mapping[str, tuple[str, ...]]) -> str:
    roles = {role: sorted(each) for role, each in names.items()}
    return key_of("release", environment.key(release), guest_image.key(), roles)


def build(
    cache: Cache, release: str, names: Mapping[str, tuple[str, ...]], progress: Progress, *, refresh: bool = False
) -> Built:
    """Builds what the cache has not. `refresh` asks Debian's repositories anew. Raises WallcloudError."""
    base = root.build(cache, progress)
    pool = packages.build(cache, names, progress, status=base / "var/lib/dpkg/status", refresh=refresh)
    made = environment.build(cache, release, progress)
    guest = guest_image.build(cache, progress, refresh=refresh)
    needs = (pool.index, guest.kernel, guest.ramdisk, guest.disk, *(each.digest for each in pool.packages))
    cache.record(_key(release, names), Result(made.digest, needs))
    return Built(made.digest, pool.index, guest)


def built(cache: Cache, release: str, names: Mapping[str, tuple[str, ...]]) -> Built | None:
    """What `build` made last for the release and these packages, or None where something of it is missing."""
    found = cache.result(_key(release, names))
    guest = guest_image.built(cache)
    return None if found is None or guest is None else Built(found.digest, found.needs[0], guest)
