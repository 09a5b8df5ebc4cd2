"""How every API is served: uwsgi under the service's account, on a socket of systemd's that Apache alone may open."""

from __future__ import annotations

from wallcloud.catalog.place import Place

LINES = (
    "NotifyAccess=all",
    "Environment=LANG=C.UTF-8 PYTHONUNBUFFERED=1",
    "KillMode=mixed",
    "Restart=always",
    "TimeoutStartSec=120",
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


def ini(place: Place, *, module: str, pythonpath: str, processes: int, threads: int = 1) -> str:
    """uwsgi's configuration. More than one thread only where the service is known to keep requests apart."""
    return f"""\
[uwsgi]
# Written by Wallcloud; changes made here are taken back by the next apply.
strict = true
need-app = true
master = true
single-interpreter = true
virtualenv = {place.environment}
pythonpath = {pythonpath}
module = {module}
# Loaded once, then forked: "ready" to systemd means that the service is loaded, and the workers share memory.
lazy-apps = false
py-call-osafterfork = true
processes = {processes}
threads = {threads}
enable-threads = true
# No socket here: it is systemd's, so that requests wait in its queue during a restart.
buffer-size = 65535
post-buffering = 131072
limit-post = 131072
harakiri = 120
die-on-term = true
skip-atexit-teardown = true
worker-reload-mercy = 20
disable-logging = true
hook-master-start = unix_signal:15 gracefully_kill_them_all
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
