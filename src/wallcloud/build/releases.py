"""The releases of OpenStack that this Wallcloud can build: which files say what they are."""

from pathlib import Path

from wallcloud.errors import WallcloudError

_FOLDER = Path(__file__).parent / "release"


def releases() -> tuple[str, ...]:
    """Names of the releases that have a lock, oldest first."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.txt")))


def lock_of(release: str) -> Path:
    """The locked requirements of `release` (pip's format, hashes, no addresses). Raises WallcloudError."""
    if release not in releases():
        raise WallcloudError(
            f"this Wallcloud does not know the release {release!r}", hint=f"it knows: {', '.join(releases())}"
        )
    return _FOLDER / f"{release}.txt"


def options_of(release: str) -> Path:
    """The folder of the option tables of `release`, one JSON file per program."""
    return _FOLDER / f"options-{release}"
