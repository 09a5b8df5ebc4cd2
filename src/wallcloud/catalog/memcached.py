"""memcached: Keystone's cache, over a unix socket that only its clients' group may open."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog.component import Account, Component, Limit, Listen, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ACCOUNT = Account("memcache", 611)
SOCKET = "/run/memcached/memcached.sock"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Connections: what its clients open at most, and one to ask it whether it answers."""
    terms = tuple(Term(f"{limit.component}'s clients", limit.value) for limit in given.total("cache_clients"))
    yield Limit("memcached", "connections", (*terms, Term("reserve: readiness, an admin, restarts overlapping", 16)))
    yield Limit("memcached", "memory_mib", (Term("tokens and catalogs are small; a fixed share", 64),))


def resources(place: Place) -> Iterator[Resource]:
    """The unit is all there is: memcached takes no file."""
    options = f"-s {SOCKET} -a 0660 -m {place.limit('memory_mib')} -c {place.limit('connections')} -t 2"
    yield service(
        place,
        description="the cache (memcached)",
        start=f"/usr/bin/memcached {options}",
        ready=(
            "/usr/bin/python3",
            "-Ic",
            "import socket,sys; s=socket.socket(socket.AF_UNIX); s.settimeout(2); s.connect(sys.argv[1]); "
            "s.sendall(b'version\\r\\n'); sys.exit(not s.recv(64).startswith(b'VERSION'))",
            SOCKET,
        ),
        lines=(
            "RuntimeDirectory=memcached",
            "RuntimeDirectoryMode=0755",
            "PrivateNetwork=yes",
            "RestrictAddressFamilies=AF_UNIX",
            "MemoryDenyWriteExecute=yes",
        ),
    )


COMPONENT = Component(
    name="memcached",
    title="memcached",
    roles=(Role.CONTROL, Role.API),
    account=ACCOUNT,
    packages=("memcached",),
    masks=("memcached.service",),
    listens=(Listen("socket", None, path=SOCKET, authentication="the socket's group", encryption="the node's kernel"),),
    resources=resources,
)
