"""What is wrong with a site, where it stands in the file, and what mends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

Severity = Literal["error", "warning"]
Where = tuple[str | int, ...]
"""The way from the root of the site to a value: keys, and indices of list items from 0."""


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file; `line` and `column` count from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@frozen
class Finding:
    """`id` is the rule's, or what kind of thing the loader stumbled over; `mend` may be empty where nobody can know,
    and `why` is there for rules only: what is no YAML needs no reason."""

    id: str
    severity: Severity
    text: str
    mend: str
    path: Where = ()
    location: Location | None = None
    why: str = ""

    def render(self) -> str:
        """One line `FILE:LINE:COLUMN: error: TEXT [id]`, and under it why it is one, and what mends it."""
        where = str(self.location) if self.location else dotted(self.path) or "site"
        lines = [f"{where}: {self.severity}: {self.text} [{self.id}]"]
        lines += [f"    why: {self.why}"] if self.why else []
        return "\n".join([*lines, *([f"    hint: {self.mend}"] if self.mend else [])])

    def to_json(self) -> dict[str, object]:
        """Plain data for `--json`; `path` as a list, `location` as an object or null."""
        location = self.location
        return {
            "id": self.id,
            "severity": self.severity,
            "text": self.text,
            "why": self.why,
            "mend": self.mend,
            "path": list(self.path),
            "location": location and {"file": location.file, "line": location.line, "column": location.column},
        }


class SiteError(WallcloudError):
    """A site that cannot be used. Holds every finding, warnings too, in the order of the file."""

    def __init__(self, findings: Sequence[Finding], path: Path | None = None) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        super().__init__(
            f"the site has {count}",
            where=str(path) if path else "",
            hint="mend the site file; `wallcloud check` looks at it again",
            output=tuple(line for finding in self.findings for line in finding.render().splitlines()),
        )


def dotted(path: Where) -> str:
    """`("nodes", "api", "roles", 0)` as `nodes.api.roles[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            # A key that is long or no plain word is shown so that the path stays one readable line.
            word = part if part.isprintable() and part and len(part) <= 64 and " " not in part else repr(part[:64])
            text += f".{word}" if text else word
    return text
