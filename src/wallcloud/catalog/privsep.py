"""How OpenStack's services get their privileged helpers (oslo.privsep) without sudo and without capabilities.

Beside a service stands a socket that its account alone may open, and a unit that systemd starts for each connection,
with exactly the capabilities that the named contexts need. The service keeps its sandbox and NoNewPrivileges. Programs
that a helper starts (dnsmasq, haproxy) live in the helper's unit, so the service can be restarted without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import resources as package

from wallcloud.catalog.component import Account, OwnSocket
from wallcloud.catalog.helper_socket import HelperSocket
from wallcloud.catalog.oslo import Settings
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File, Unit

_SANDBOX = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "RestrictRealtime=yes",
    "SystemCallArchitectures=native",
    "UMask=0027",
    "LimitCORE=0",
)
"""What every helper gets; none of these makes a mount namespace of its own (systemd.exec(5)), except ProtectHostname's
and ProtectKernelLogs' and ProtectKernelModules': a helper that works in the host's overrides them."""


def socket_unit(place: Place) -> str:
    """The unit of the socket: the service's unit requires it."""
    return _door(place).unit


def template_unit(place: Place) -> str:
    """The path of the helper's unit: a service that has helpers is restarted when it changes."""
    return f"/etc/systemd/system/{_door(place).template}"


def folder(place: Place) -> str:
    """Where the service's sockets for its helpers are: its RuntimeDirectory."""
    return f"/run/wallcloud-{place.component.name}"


def lines(place: Place) -> tuple[str, ...]:
    """[Service] lines of the service: oslo.privsep makes its sockets in TMPDIR, and helpers do not see its /tmp."""
    return (
        f"RuntimeDirectory=wallcloud-{place.component.name}",
        "RuntimeDirectoryMode=0700",
        f"Environment=TMPDIR={folder(place)}",
    )


def settings(place: Place, groups: Mapping[str, Iterable[str]]) -> Settings:
    """For each privsep group of the service's settings: how to ask for a helper, and the capabilities it keeps."""
    return {
        group: {"helper_command": _door(place).command, "capabilities": tuple(kept), "thread_pool_size": 4}
        for group, kept in groups.items()
    }


def resources(
    place: Place,
    *,
    contexts: tuple[str, ...],
    config: tuple[str, ...],
    capabilities: tuple[str, ...],
    account: Account | None = None,
    sandbox: Iterable[str] = _SANDBOX,
    own: Iterable[str] = (),
) -> Iterator[Resource]:
    """The door's program, the helper's unit and the socket; before the service's own unit.

    `contexts` are the Python names of the PrivContexts served, `config` the files that the helper reads. `account` is
    whom helpers run as (the service's own unless said); what helpers of another than root execute has no capability.
    `own` lines win over `sandbox`.
    """
    name, who, door = place.component.name, account or place.component.account, _door(place)
    yield File(
        path=door.script,
        content=(package.files("wallcloud.plugins") / "privsep.py").read_text(encoding="utf-8"),
        component=name,
        reason="asks for privileged helpers without sudo",
    )
    words = [word for path in config for word in ("--config-file", path)]
    helper = f"{place.environment}/bin/privsep-helper"
    start = ["/usr/bin/python3", "-I", door.script, "serve", helper, folder(place), ",".join(contexts), *words]
    kept = " ".join(capabilities)
    mine = tuple(own)
    said = {line.partition("=")[0] for line in mine}
    text = [
        "[Unit]",
        f"Description=Wallcloud: a privileged helper of {place.component.title}",
        "CollectMode=inactive-or-failed",
        "",
        "[Service]",
        # The helper ends once its daemon is connected, and the daemon ends with the service.
        "Type=forking",
        "StandardInput=socket",
        "StandardOutput=journal",
        "StandardError=journal",
        f"User={who.name}",
        f"Group={who.group}",
        f"ExecStart={' '.join(start)}",
        f"CapabilityBoundingSet={kept}",
        *([f"AmbientCapabilities={kept}"] if who.uid else []),
        *(line for line in sandbox if line.partition("=")[0] not in said),
        *mine,
        "",
    ]
    yield Unit(
        unit=door.template,
        text="\n".join(text),
        component=name,
        reason=f"privileged helpers: {', '.join(contexts)}",
    )
    yield door.resource("asks for privileged helpers", 32)


def sockets(place: Place) -> Iterator[OwnSocket]:
    """Where helpers are asked for, and where a new helper finds the service."""
    yield _door(place).socket()
    yield awaiting(place)


def awaiting(place: Place) -> OwnSocket:
    """oslo.privsep's, until the helper that it asked for has come."""
    return OwnSocket("unix", f"{folder(place)}/*/privsep.sock", "a helper that was asked for comes here")


def _door(place: Place) -> HelperSocket:
    return HelperSocket(place, "privsep")
