"""What Wallcloud runs inside OpenStack's processes, by their own extension points; for all services on control."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

from wallcloud.catalog.component import ROOT, Component
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, File
from wallcloud.site.model import Role

FOLDER = "/usr/lib/wallcloud/python"
_PACKAGE = f"{FOLDER}/wallcloud_plugins"
_FILES = ("__init__.py", "door.py", "flat_guard.py", "identity.py")
REFUSED = "admin,service"
"""Roles that the public door refuses."""


def paths(*names: str) -> tuple[str, ...]:
    """The installed files that a service loads: those of the door, and `names`."""
    return tuple(f"{_PACKAGE}/{name}" for name in ("__init__.py", "door.py", *names))


def paste_filter(place: Place, prefix: str) -> str:
    """The door's section for a paste file; the filter stands right after authtoken in the pipeline."""
    return f"""\
[filter:wallcloud_door]
paste.filter_factory = wallcloud_plugins.door:filter_factory
roles = {REFUSED}
admin_url = {place.inner(prefix)}
"""


def resources(place: Place) -> Iterator[Resource]:
    """The package."""
    for path in (FOLDER, _PACKAGE):
        yield Directory(path=path, component="plugins", reason="what Wallcloud runs inside OpenStack's processes")
    for name in _FILES:
        yield File(
            path=f"{_PACKAGE}/{name}",
            content=(package.files("wallcloud.plugins") / name).read_text(encoding="utf-8"),
            component="plugins",
            reason="admins' tokens stay out of the public door, tenants' routers off the flat networks",
        )


COMPONENT = Component(
    name="plugins",
    title="Wallcloud's plugins of OpenStack services",
    roles=(Role.CONTROL,),
    account=ROOT,
    resources=resources,
)
