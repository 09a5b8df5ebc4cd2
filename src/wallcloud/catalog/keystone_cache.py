"""Keystone's own memcached, in Keystone's account: see `memcached` for why it is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import memcached
from wallcloud.catalog.component import Account, Component, Limit, Listen
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ACCOUNT = Account("keystone", 621, home="/var/lib/keystone")
SOCKET = memcached.socket_of("keystone-cache")


def limits(given: LimitInput) -> Iterator[Limit]:
    """Connections and memory."""
    return memcached.limits_of("keystone-cache", given)


def resources(place: Place) -> Iterator[Resource]:
    """The unit."""
    yield memcached.unit(place, "Keystone's cache (memcached)")


COMPONENT = Component(
    name="keystone-cache",
    title="memcached (Keystone's own)",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    packages=memcached.PACKAGES,
    masks=memcached.MASKS,
    listens=(Listen("socket", None, path=SOCKET, authentication="its account", encryption="the node's kernel"),),
    resources=resources,
)
