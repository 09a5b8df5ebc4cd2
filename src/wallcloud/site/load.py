"""Loading a site file: bytes to `Site`, or every finding at once with its place. No bytes lead to a traceback."""

from pathlib import Path

from pydantic import ValidationError

from wallcloud.frozen import frozen
from wallcloud.site.explain import explain
from wallcloud.site.finding import Finding, Location, SiteError
from wallcloud.site.locations import Locations
from wallcloud.site.model import Site
from wallcloud.site.reader import LONGEST, read

__all__ = ["Loaded", "SiteError", "load", "load_text"]


@frozen
class Loaded:
    """A site and where its values stand in the file at `path`."""

    site: Site
    locations: Locations
    path: Path

    @property
    def state(self) -> Path:
        """The state folder, absolute."""
        return (self.path.absolute().parent / self.site.state).resolve()

    @property
    def ssh_config(self) -> Path | None:
        """The file for `ssh -F`, absolute, where the site names one."""
        config = self.site.ssh.config
        return None if config is None else (self.path.absolute().parent / config).resolve()

    @property
    def images(self) -> dict[str, tuple[Path, str]]:
        """The site's cloud images: name → (absolute file, SHA-256)."""
        folder = self.path.absolute().parent
        return {name: ((folder / each.file).resolve(), each.sha256) for name, each in self.site.images.items()}


def load(path: Path) -> Loaded:
    """Reads and validates a file; raises SiteError with all findings in the file's order. Rules are not asked."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable name"
        missing = isinstance(error, FileNotFoundError)
        mend = "`wallcloud new` writes one; --site names another" if missing else "--site names another file"
        finding = Finding(
            "unreadable", "error", f"cannot read the site file: {reason}", mend, (), Location(str(path), 1, 1)
        )
        raise SiteError([finding], path) from error
    return load_text(data, path)


def load_text(data: bytes, path: Path) -> Loaded:
    """Like `load`, for bytes in hand; `path` is used for the findings' places and as the base of relative paths."""
    content, locations, findings = read(data, str(path))
    site = None
    if content is not None:
        try:
            site = Site.model_validate(content)
        except ValidationError as error:
            findings = [*findings, *explain(error, locations)]
    if findings or site is None:
        raise SiteError(sorted(findings, key=lambda finding: (finding.location is not None, finding.location)), path)
    return Loaded(site, locations, path)
