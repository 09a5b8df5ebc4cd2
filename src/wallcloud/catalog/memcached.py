"""memcached: one for each account that uses it, over a unix socket of its own.

What services cache is Python pickles: whoever can write into a cache runs code in its reader. So no two share one.
This component is the api node's, for the dashboard; Keystone's is `keystone_cache`.
"""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog.component import Account, Component, Limit, Listen, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ACCOUNT = Account("memcache", 611)
PACKAGES = ("memcached",)
MASKS = ("memcached.service",)
_READY = (
    "import socket,sys; s=socket.socket(socket.AF_UNIX); s.settimeout(2); s.connect(sys.argv[1]); "
    "s.sendall(b'version\\r\\n'); sys.exit(not s.recv(64).startswith(b'VERSION'))"
)


def socket_of(component: str) -> str:
    """Where the cache of that name listens."""
    return f"/run/wallcloud-{component}/memcached.sock"


def limits_of(component: str, given: LimitInput) -> Iterator[Limit]:
    """Connections: what its clients open at most, and some to ask it whether it answers."""
    clients = [
        Term(f"{limit.component}'s clients", limit.value)
        for limit in given.total("cache_clients")
        if any(call.to == component for call in given.catalog[limit.component].calls)
    ]
    # memcached counts its own listener and threads among them: with 16 in all it serves nobody.
    yield Limit(component, "connections", (*clients, Term("reserve: its own, readiness, restarts overlapping", 64)))
    yield Limit(component, "memory_mib", (Term("tokens and sessions are small; a fixed share", 64),))


def unit(place: Place, description: str) -> Resource:
    """The unit is all there is: memcached takes no file. Only its own account opens the socket."""
    name = place.component.name
    socket = socket_of(name)
    options = f"-s {socket} -a 0600 -m {place.limit('memory_mib')} -c {place.limit('connections')} -t 2"
    return service(
        place,
        description=description,
        start=f"/usr/bin/memcached {options}",
        ready=("/usr/bin/python3", "-Ic", _READY, socket),
        lines=(
            "Restart=always",
            f"RuntimeDirectory=wallcloud-{name}",
            "RuntimeDirectoryMode=0700",
            "LimitNOFILE=4096",
            "LimitCORE=0",
            "TasksMax=32",
            "PrivateNetwork=yes",
            "PrivateIPC=yes",
            "ProcSubset=pid",
            "RestrictAddressFamilies=AF_UNIX",
            "MemoryDenyWriteExecute=yes",
            "SystemCallFilter=@system-service",
            "SystemCallFilter=~@privileged @resources",
            "SystemCallErrorNumber=EPERM",
        ),
    )


def limits(given: LimitInput) -> Iterator[Limit]:
    """The api node's."""
    return limits_of("memcached", given)


def resources(place: Place) -> Iterator[Resource]:
    """The api node's."""
    yield unit(place, "the dashboard's cache (memcached)")


COMPONENT = Component(
    name="memcached",
    title="memcached",
    roles=(Role.API,),
    account=ACCOUNT,
    packages=PACKAGES,
    masks=MASKS,
    listens=(
        Listen(
            "socket", None, path=socket_of("memcached"), authentication="its account", encryption="the node's kernel"
        ),
    ),
    resources=resources,
)
