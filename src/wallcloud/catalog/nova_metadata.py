"""Nova's metadata service, on the network nodes: what a VM may know of itself."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import database, neutron_metadata_agent, nova, openstack, oslo, tls, uwsgi
from wallcloud.catalog.basics import UWSGI_READY
from wallcloud.catalog.component import ROOT, Account, Call, Component, Limit, Listen, ServiceUser, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "nova-metadata"
ACCOUNT = Account(NAME, 644)
FOLDER = openstack.folder(NAME)
CONFIG = f"{FOLDER}/nova.conf"
PASTE = f"{FOLDER}/api-paste.ini"
UWSGI = f"{FOLDER}/uwsgi.ini"
SOCKET_UNIT = f"wallcloud-{NAME}.socket"
_WHERE = f"127.0.0.1:{neutron_metadata_agent.PORT}"
_POOL = 2
_PASTE = """\
# Written by Wallcloud after Nova's own; changes made here are taken back by the next apply.
[composite:metadata]
use = egg:Paste#urlmap
/: meta

[pipeline:meta]
pipeline = metaapp

[app:metaapp]
paste.app_factory = nova.api.metadata.handler:MetadataRequestHandler.factory
"""


def limits(given: LimitInput) -> Iterator[Limit]:
    """Processes of one thread each, and their database connections on each network node."""
    processes = uwsgi.processes(given, NAME)
    yield processes
    nodes = len(given.placed.get(NAME, ()))
    yield Limit(
        NAME,
        "database_connections",
        (
            Term(
                f"{nodes} network nodes with {processes.value} processes of a pool of {_POOL}",
                nodes * processes.value * _POOL,
            ),
        ),
    )


def resources(place: Place) -> Iterator[Resource]:
    """Folder, certificate, settings, the socket, the unit."""
    where = tls.client(place)
    yield openstack.own_folder(place)
    yield tls.client_certificate(place, reason="its login at the database")
    yield oslo.config(place, CONFIG, settings(place), reason="Nova's metadata service's settings")
    yield r.File(path=PASTE, content=_PASTE, component=NAME, reason="nothing stands between it and the agent")
    yield r.File(path=UWSGI, content=_uwsgi(place), component=NAME, reason="how it is served")
    yield r.Unit(
        unit=SOCKET_UNIT,
        text=f"""\
[Unit]
Description=Wallcloud: the socket of Nova's metadata service, for Neutron's agent alone

[Socket]
ListenStream={_WHERE}
Backlog=512

[Install]
WantedBy=sockets.target
""",
        component=NAME,
        reason="requests wait while it restarts",
    )
    yield service(
        place,
        description="metadata of VMs (Nova)",
        kind="notify",
        start=f"{place.environment}/bin/uwsgi --ini {UWSGI}",
        restart_on=(CONFIG, PASTE, UWSGI, where.authority),
        ready=("/usr/bin/python3", "-I", UWSGI_READY, _WHERE, "/", "http"),
        requires=(SOCKET_UNIT,),
        lines=(
            *uwsgi.LINES,
            f"Environment=OS_NOVA_CONFIG_DIR={FOLDER} OS_NOVA_CONFIG_FILES=api-paste.ini;nova.conf",
            f"RuntimeDirectory=wallcloud-{NAME}",
        ),
        stop_seconds=30,
    )


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    return {
        "DEFAULT": {
            **openstack.logging(),
            "host": place.node,
            "my_ip": str(place.management),
            "state_path": f"/var/lib/wallcloud/{NAME}",
        },
        # One cell's database and nothing of the API's: it needs no cell mapping.
        "api": {"local_metadata_per_cell": True},
        "database": database.group(place, nova.MAIN, _POOL),
        "neutron": {
            **openstack.client(place),
            "service_metadata_proxy": True,
            "metadata_proxy_shared_secret": place.rotation.used(neutron_metadata_agent.SECRET),
        },
        "oslo_concurrency": {"lock_path": f"/run/wallcloud-{NAME}"},
        "oslo_messaging_notifications": {"driver": "noop"},
        "wsgi": {"api_paste_config": PASTE},
    }


def _uwsgi(place: Place) -> str:
    return f"""\
[uwsgi]
# Written by Wallcloud; changes made here are taken back by the next apply.
strict = true
need-app = true
master = true
single-interpreter = true
virtualenv = {place.environment}
protocol = http
module = nova.wsgi.metadata:application
# Loaded once, then forked: "ready" to systemd means that the service is loaded, and the workers share memory.
lazy-apps = false
py-call-osafterfork = true
processes = {place.limit("processes")}
threads = 1
enable-threads = true
# No socket here: it is systemd's, so that requests wait in its queue during a restart.
buffer-size = 65535
post-buffering = 65536
limit-post = 65536
harakiri = 60
die-on-term = true
skip-atexit-teardown = true
worker-reload-mercy = 20
disable-logging = true
hook-master-start = unix_signal:15 gracefully_kill_them_all
"""


COMPONENT = Component(
    name=NAME,
    title="Nova's metadata service",
    roles=(Role.NETWORK,),
    account=ACCOUNT,
    uses=(nova.MAIN,),
    user=ServiceUser(NAME),
    environment=True,
    program="nova",
    derived=(
        "api.local_metadata_per_cell",
        "database.connection",
        "database.max_overflow",
        "database.max_pool_size",
        "default.host",
        "neutron.metadata_proxy_shared_secret",
        "neutron.service_metadata_proxy",
        "wsgi.api_paste_config",
    ),
    listens=(
        Listen(
            "http",
            None,
            neutron_metadata_agent.PORT,
            authentication="by uid, and the instance's id signed (HMAC)",
            encryption="the node's kernel",
        ),
    ),
    calls=(
        Call("mariadb", "tls", "what it knows of a VM", waits=True),
        openstack.TOKENS,
        Call(NAME, "http", "Wallcloud asks whether it answers", account=ROOT, same_node=True),
    ),
    follows=("nova-conductor",),
    resources=resources,
)
