"""Images have a folder of their own."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site

SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "tmp", "usr")
"""Top folders where no data of a service lives (Filesystem Hierarchy Standard 3.0)."""
SHARED = ("/var/cache", "/var/lib", "/var/lib/wallcloud", "/var/log", "/var/spool")
"""Folders of many programs: the store may lie in them, but not be one of them."""
TAKEN = (
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/mysql",
    "/var/lib/rabbitmq",
    "/var/lib/systemd",
    "/var/lock",
    "/var/run",
)
"""Folders of which every part is somebody else's."""


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    store = PurePosixPath(site.image_store.path)
    for folder in (*(f"/{top}" for top in SYSTEM), *TAKEN):
        if store.is_relative_to(folder):
            yield Violation(("image_store", "path"), f"the image store {store} is in {folder}, which is others'")
    if str(store) in SHARED:
        yield Violation(("image_store", "path"), f"the image store cannot be {store} itself, which is others' too")


RULE = Rule(
    id="image-store-apart",
    forbids="an image store in a folder of the system or of another service",
    why="images come from tenants and grow: they must not fill the disk under the database, nor lie among its files",
    mend="a folder of its own, best a file system of its own, like /srv/images or /var/lib/wallcloud/images",
    check=_check,
)
