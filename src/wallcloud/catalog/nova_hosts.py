"""Computes in Nova's cell: a deployment is done when the first VM finds its host."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import nova, nova_compute, nova_database
from wallcloud.catalog.component import Component
from wallcloud.catalog.place import Place, milestone
from wallcloud.node.resource import Resource
from wallcloud.node.resources import NovaHost
from wallcloud.site.model import Role

NAME = "nova-hosts"


def resources(place: Place) -> Iterator[Resource]:
    """One for each compute, which awaits that compute alone."""
    awaited = frozenset(place.awaits)
    for host in place.placed.get(nova_compute.NAME, ()):
        joined = milestone(nova_compute.NAME, host)
        yield NovaHost(
            host=host,
            argv=nova_database.manage(place, nova.MAIN),
            account=nova_database.ACCOUNT.name,
            awaits=(joined,) if joined in awaited else (),
            component=NAME,
            reason="Nova sends VMs to computes of its cell",
        )


COMPONENT = Component(
    name=NAME,
    title="computes in Nova's cell",
    roles=(Role.CONTROL,),
    account=nova_database.ACCOUNT,
    environment=True,
    follows=(nova_compute.NAME,),
    after=("nova-database",),
    resources=resources,
)
