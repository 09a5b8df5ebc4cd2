"""A fault that a preflight found, and how it becomes a finding like those of `check`."""

from __future__ import annotations

from wallcloud.frozen import frozen
from wallcloud.site.finding import Finding, Severity
from wallcloud.site.locations import Locations


@frozen
class Fault:
    """`text` goes on where "NODE: " leaves off; `path` is its place in the site, the node where it is empty."""

    id: str
    node: str
    text: str
    mend: str
    severity: Severity = "error"
    path: tuple[str, ...] = ()

    def finding(self, locations: Locations) -> Finding:
        """With its place in the site file."""
        path = self.path or ("nodes", self.node)
        return Finding(self.id, self.severity, f"{self.node}: {self.text}", self.mend, path, locations.at(path))
