"""The running cloud that is proven, and how it is reached."""

from __future__ import annotations

from collections.abc import Callable

from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.verify.doors import Credentials
from wallcloud.verify.encryption.rogue import Vouching
from wallcloud.verify.places import Command


@frozen
class Cloud:
    """The running cloud, and how it is reached."""

    design: Design
    ca: str
    """The site's CA as PEM."""
    admin: Credentials
    member: Credentials | None
    """Of the site's first project, where it has one."""
    command: Command
    """Runs programs at office and admin workstation."""
    on_node: Command
    """Runs programs on nodes, as root."""
    vouching: Vouching
    """What the site's CA signs for the part `encryption`."""
    secret: Callable[[str], str]
    """The name of a secret of this cloud → its value."""
