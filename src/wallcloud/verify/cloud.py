"""The running cloud that is proven, and how it is reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path

from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.verify.doors import Users
from wallcloud.verify.encryption.rogue import Vouching
from wallcloud.verify.places import Command


@frozen
class Cloud:
    """The running cloud, and how it is reached."""

    design: Design
    ca: str
    """The site's CA as PEM."""
    users: Users
    command: Command
    """Runs programs at office and admin workstation."""
    on_node: Command
    """Runs programs on nodes, as root."""
    vouching: Vouching
    """What the site's CA signs for the part `encryption`."""
    secret: Callable[[str], str]
    """The name of a secret of this cloud → its value."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The values of the site's secrets, to be searched for; nobody is shown them."""
    ca_file: str = ".wallcloud/ca/cert.pem"
    """Where the deployer has the site's CA, for who tries by hand."""
    state: Path | None = None
    """The site's state folder."""
    cache: Path | None = None
    """Where `build` keeps things."""
    outside: tuple[str, ...] = ("office", "admin")
    """Places outside that programs can be run at as root; a lab has a router, too."""
    only: tuple[str, ...] = ()
    """Patterns (fnmatch) of the expectations that are wanted; all, where there is none."""

    def wants(self, expectation: str) -> bool:
        """Whether an expectation of this id is wanted."""
        return not self.only or any(fnmatchcase(expectation, pattern) for pattern in self.only)
