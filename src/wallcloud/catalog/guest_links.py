"""Keeps the devices of guests up where Open vSwitch's userspace datapath may set them down (plugins/guest_links.py)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

from wallcloud.catalog.component import Account, Component
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "guest-links"
PROGRAM = "/usr/lib/wallcloud/guest_links.py"


def resources(place: Place) -> Iterator[Resource]:
    """The program and its unit; nothing where the kernel's datapath is used."""
    if place.facts.ovs_kernel:
        return
    yield r.File(
        path=PROGRAM,
        content=(package.files("wallcloud.plugins") / "guest_links.py").read_text(encoding="utf-8"),
        component=NAME,
        reason="sets a guest's device up that Open vSwitch has set down",
    )
    yield service(
        place,
        start=f"/usr/bin/python3 -I {PROGRAM}",
        description="keeps the devices of guests up",
        restart_on=(PROGRAM,),
        lines=(
            "CapabilityBoundingSet=CAP_NET_ADMIN",
            "AmbientCapabilities=CAP_NET_ADMIN",
            "RestrictAddressFamilies=AF_NETLINK",
            "MemoryDenyWriteExecute=yes",
            "SystemCallFilter=@system-service",
            "SystemCallErrorNumber=EPERM",
        ),
        publishes=False,
    )


COMPONENT = Component(
    name=NAME,
    title="guests' devices",
    roles=(Role.COMPUTE,),
    account=Account(NAME, 661),
    resources=resources,
)
