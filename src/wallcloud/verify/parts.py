"""The parts of the proof by name, run one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable

from wallcloud.catalog.management_door import PORT
from wallcloud.catalog.place import internal_name
from wallcloud.progress import Progress, step
from wallcloud.site.model import Kind, Role
from wallcloud.verify import doors
from wallcloud.verify.accounts import part as accounts
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.encryption import part as encryption
from wallcloud.verify.expectation import Part, Seen
from wallcloud.verify.hands import ARGV
from wallcloud.verify.paths import part as paths
from wallcloud.verify.places import ROUTER, run
from wallcloud.verify.reach import part as reach
from wallcloud.verify.sockets import part as sockets
from wallcloud.verify.tenants import part as tenants
from wallcloud.verify.tenants.client import DoorAt
from wallcloud.verify.wires import part as wires

Act = Callable[[Cloud, Progress, bool], tuple[Seen, ...]]
"""A part: what was seen of the cloud; True keeps what the part made there."""


def run_parts(cloud: Cloud, names: tuple[str, ...], progress: Progress, keep: bool = False) -> tuple[Part, ...]:
    """Runs the named parts; `keep` leaves what they made. Raises WallcloudError where one cannot even begin."""
    found = []
    for name in PARTS:
        if name in names:
            began = time.monotonic()
            seen = ACTS[name](cloud, progress, keep)
            wanted = tuple(each for each in seen if cloud.wants(each.probe.id))
            found.append(Part(name, wanted, time.monotonic() - began))
    return tuple(found)


def _doors(cloud: Cloud, progress: Progress, _keep: bool) -> tuple[Seen, ...]:
    got = doors.tokens(run(doors.logins(cloud.design, cloud.ca, cloud.users), cloud.command))
    probes = tuple(doors.probes(cloud.design, cloud.ca, cloud.ca_file, cloud.users, got))
    with step(progress, f"doors: {len(probes)} expectations"):
        return run(probes, cloud.command)


def _tenants(cloud: Cloud, progress: Progress, keep: bool) -> tuple[Seen, ...]:
    argv = list(ARGV)
    starts = tenants.Starts(
        lambda place: cloud.command(place, argv),
        lambda node: cloud.on_node(node, argv),
        ROUTER if ROUTER in cloud.outside else None,
    )
    return tenants.run(cloud.design, _where(cloud), cloud.users.admin, starts, progress, keep)


def _encryption(cloud: Cloud, progress: Progress, _keep: bool) -> tuple[Seen, ...]:
    return encryption.run(cloud, _where(cloud), progress)


def _where(cloud: Cloud) -> tenants.Doors:
    site, plan = cloud.design.site, cloud.design.plan
    management = site.networks_of(Kind.MANAGEMENT)[0]
    control = site.nodes_with(Role.CONTROL)[0]
    name = internal_name(site, control)
    inner = DoorAt("admin", str(plan.address(control, management)), PORT, name, cloud.ca, "admin")
    for api in site.nodes_with(Role.API):
        outer = str(plan.address(api, site.networks_of(Kind.PUBLIC)[0]))
        forbidden = tuple(str(plan.address(node, management)) for node in site.nodes)
        at = DoorAt("office", outer, PORT, site.domain, cloud.ca, "public")
        # Not the internal names: the catalog in a token has them, and they resolve on management alone.
        return tenants.Doors(inner, at, forbidden)
    # Without a public door tenants use the management door, from the admin workstation: nothing is hidden there.
    return tenants.Doors(inner, DoorAt("admin", inner.address, PORT, name, cloud.ca, "internal"), ())


ACTS: dict[str, Act] = {
    "doors": _doors,
    "reach": lambda cloud, progress, _: reach.run(cloud, progress),
    "tenants": _tenants,
    "wires": lambda cloud, progress, _: wires.run(cloud, progress),
    "sockets": sockets.act,
    "accounts": accounts.act,
    "paths": paths.act,
    "encryption": _encryption,
}
PARTS = tuple(ACTS)
"""In the order in which they run."""
