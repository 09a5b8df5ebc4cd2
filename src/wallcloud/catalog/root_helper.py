"""How Neutron's agents start dnsmasq and haproxy in namespaces: oslo's `root_helper`, without sudo.

As with `privsep`: a socket that the agent's account alone may open, and a unit of systemd's for each command. What the
command leaves running stays there and outlives the agent (KillMode=process).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

from wallcloud.catalog.component import OwnSocket
from wallcloud.catalog.helper_socket import HelperSocket
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File, Unit

CAPABILITIES = (
    # Namespaces, and /sys of one.
    "CAP_SYS_ADMIN",
    "CAP_NET_ADMIN",
    # dnsmasq: DHCP's ports, raw packets.
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    # They give up root.
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_CHOWN",
    # The agent's folders are its own.
    "CAP_DAC_OVERRIDE",
)


def socket_unit(place: Place) -> str:
    """The unit of the socket: the agent's unit requires it."""
    return _door(place).unit


def command(place: Place) -> str:
    """The agent's [AGENT] root_helper."""
    return _door(place).command


def resources(place: Place, *, namespaces: str, programs: tuple[str, ...]) -> Iterator[Resource]:
    """The program, the helper's unit and the socket. `namespaces` is how their names begin."""
    name, door = place.component.name, _door(place)
    yield File(
        path=door.script,
        content=(package.files("wallcloud.plugins") / "root_helper.py").read_text(encoding="utf-8"),
        component=name,
        reason="starts programs in namespaces without sudo",
    )
    yield Unit(
        unit=door.template,
        text=f"""\
[Unit]
Description=Wallcloud: a program in a namespace, for {place.component.title}
CollectMode=inactive-or-failed

[Service]
Type=exec
StandardInput=socket
StandardOutput=journal
StandardError=journal
User=root
ExecStart=/usr/bin/python3 -I {door.script} serve {namespaces} {",".join(programs)}
# The program that it leaves behind lives on. No mount namespace: what is in /run/netns is the host's.
KillMode=process
CapabilityBoundingSet={" ".join(CAPABILITIES)}
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
# Their pid files are for the agent to read.
UMask=0022
LimitCORE=0
""",
        component=name,
        reason=f"{', '.join(programs)} in {namespaces}*, as root",
    )
    yield door.resource("starts programs in namespaces", 64)


def socket(place: Place) -> OwnSocket:
    """Where programs are asked for."""
    return _door(place).socket()


def units(place: Place) -> str:
    """Pattern of the units in which the programs live that were asked for there."""
    return f"{_door(place).base}@*.service"


def _door(place: Place) -> HelperSocket:
    return HelperSocket(place, "root")
