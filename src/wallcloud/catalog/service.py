"""The unit that Wallcloud writes for a daemon: own account, sandbox, restart on failure, stamp of its inputs."""

from __future__ import annotations

from collections.abc import Iterable

from wallcloud.catalog.component import Account
from wallcloud.catalog.place import Place
from wallcloud.node.resources import Input, Unit
from wallcloud.node.resources.unit import stamp_lines

SANDBOX = (
    # What a process knows does not stay behind when it dies.
    "LimitCORE=0",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "LockPersonality=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHome=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProtectSystem=strict",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "UMask=0027",
)
"""What every service gets that makes no namespaces (systemd.exec(5)); a service overrides by naming the key again."""


def service(
    place: Place,
    *,
    start: str,
    description: str,
    kind: str = "exec",
    name: str | None = None,
    restart_on: Iterable[str] = (),
    reload_on: Iterable[str] = (),
    reload: str | None = None,
    ready: tuple[str, ...] | None = None,
    ready_seconds: int = 60,
    lines: Iterable[str] = (),
    sandbox: Iterable[str] = SANDBOX,
    after: Iterable[str] = (),
    requires: Iterable[str] = (),
    stop_seconds: int = 20,
    publishes: bool = True,
    account: Account | None = None,
) -> Unit:
    """A Unit for `place.component`, as its account unless another is said. `start` and `reload` are ExecStart= and
    ExecReload= lines.

    `lines` go into [Service] and win over `sandbox`: systemd takes the last of two, so the earlier is left out.
    """
    component, who = place.component, account or place.component.account
    unit = f"wallcloud-{name or component.name}.service"
    inputs = (*(Input(path=path) for path in restart_on), *(Input(path=path, on="reload") for path in reload_on))
    own = tuple(lines)
    keys = {line.partition("=")[0] for line in own}
    ordering = " ".join(("wallcloud-network.service", *after))
    text = "\n".join(
        [
            "[Unit]",
            f"Description=Wallcloud: {description}",
            f"After=network.target {ordering}",
            *(f"{key}={' '.join(requires)}" for key in ("Requires", "After") if requires),
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"Type={kind}",
            f"User={who.name}",
            f"Group={who.group}",
            stamp_lines(tuple(restart_on), tuple(reload_on), reload or "").rstrip("\n"),
            f"ExecStart={start}",
            "Restart=on-failure",
            "RestartSec=1",
            f"TimeoutStopSec={stop_seconds}",
            *(line for line in sandbox if line.partition("=")[0] not in keys),
            *own,
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )
    return Unit(
        unit=unit,
        text=text,
        inputs=inputs,
        ready=ready,
        ready_seconds=ready_seconds,
        component=component.name,
        reason=description,
        publishes=(place.milestone,) if publishes else (),
        awaits=place.awaits,
    )
