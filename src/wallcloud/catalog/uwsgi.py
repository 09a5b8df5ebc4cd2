"""How every API is served: uwsgi under the service's account, on a socket of systemd's that Apache alone may open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wallcloud.catalog.basics import UWSGI_READY as READY
from wallcloud.catalog.component import Api, Limit, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File, Unit

LINES = (
    "NotifyAccess=all",
    "Environment=LANG=C.UTF-8 PYTHONUNBUFFERED=1",
    "KillMode=mixed",
    "Restart=always",
    "TimeoutStartSec=300",
    "LimitNOFILE=4096",
    "LimitCORE=0",
    "TasksMax=256",
    "ProcSubset=pid",
    "PrivateIPC=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
)
"""[Service] lines of every API. No reload: at SIGHUP pyuwsgi executes itself without its environment and dies."""


READY_SECONDS = 240
"""When every core starts something else, Neutron needs a minute and more to load."""


def processes(given: LimitInput, component: str) -> Limit:
    """How many processes an API has: as the site says, or one per core."""
    workers = given.site.limits.api_workers
    if workers == "auto":
        cores = given.cores(component)
        term = Term(f"one per core ({cores}), 2 to 16", max(2, min(16, cores)))
    else:
        term = Term("limits.api_workers of the site", workers)
    return Limit(component, "processes", (term,))


def serve(
    place: Place,
    *,
    module: str,
    folder: str,
    description: str,
    probe: str,
    restart_on: Iterable[str],
    lines: Iterable[str] = (),
    pythonpath: str = "",
    threads: int = 1,
    lazy: bool = False,
    after: Iterable[str] = (),
) -> Iterator[Resource]:
    """Everything that serves `place.component.api`: uwsgi's file in `folder`, the socket unit, the service unit.

    It is ready when a GET of `probe` is answered. `lazy`: each process loads the service itself, because it starts
    threads or connections while it is loaded. More than one thread only where it is known to keep requests apart.
    """
    component, api = place.component, place.component.api
    if api is None:
        raise ValueError(f"{component.name} has no API")
    path = f"{folder}/uwsgi.ini"
    own = tuple(lines)
    said = {line.partition("=")[0] for line in own} - {"Environment"}
    yield File(
        path=path,
        content=_ini(place, api, module, pythonpath, threads, lazy),
        component=component.name,
        reason=f"how {component.title} is served",
    )
    yield Unit(
        unit=f"wallcloud-{component.name}.socket",
        text=socket(api.socket, description),
        component=component.name,
        reason=f"requests wait while {component.title} restarts",
    )
    yield service(
        place,
        description=description,
        kind="notify",
        start=f"{place.environment}/bin/uwsgi --ini {path}",
        restart_on=(path, *restart_on),
        ready=("/usr/bin/python3", "-I", READY, api.socket, probe, "http" if api.http else "uwsgi"),
        ready_seconds=READY_SECONDS,
        requires=(f"wallcloud-{component.name}.socket",),
        after=after,
        lines=(*(line for line in LINES if line.partition("=")[0] not in said), *own),
        stop_seconds=30,
    )


def _ini(place: Place, api: Api, module: str, pythonpath: str, threads: int, lazy: bool) -> str:
    lines = [
        "[uwsgi]",
        "# Written by Wallcloud; changes made here are taken back by the next apply.",
        "strict = true",
        "need-app = true",
        "master = true",
        "single-interpreter = true",
        f"virtualenv = {place.environment}",
        *([f"pythonpath = {pythonpath}"] if pythonpath else []),
        *(_HTTP.format(prefix=api.prefix, module=module).splitlines() if api.http else [f"module = {module}"]),
        *(_LAZY if lazy else _FORKED),
        f"processes = {place.limit('processes')}",
        f"threads = {threads}",
        "enable-threads = true",
        "# No socket here: it is systemd's, so that requests wait in its queue during a restart.",
        "buffer-size = 65535",
        *([f"post-buffering = {api.body}", f"limit-post = {api.body}", "harakiri = 120"] if api.body else []),
        "die-on-term = true",
        "skip-atexit-teardown = true",
        "worker-reload-mercy = 20",
        "disable-logging = true",
        "hook-master-start = unix_signal:15 gracefully_kill_them_all",
    ]
    return "\n".join([*lines, ""])


_FORKED = (
    '# Loaded once, then forked: "ready" to systemd means that the service is loaded, and the workers share memory.',
    "lazy-apps = false",
    "py-call-osafterfork = true",
)
_LAZY = ("# It starts threads while it is loaded, which a fork would lose.", "lazy-apps = true")
_HTTP = """\
protocol = http
http-chunked-input = true
manage-script-name = true
mount = {prefix}={module}
"""


def socket(path: str, what: str) -> str:
    """The text of the socket unit at `path`."""
    return f"""\
[Unit]
Description=Wallcloud: the socket of {what}, for Apache alone

[Socket]
ListenStream={path}
Backlog=512
# Whoever can speak uwsgi's protocol could name himself and his door.
SocketUser=www-data
SocketMode=0600
DirectoryMode=0755
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""
