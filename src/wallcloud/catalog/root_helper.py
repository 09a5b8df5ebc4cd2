"""How Neutron's agents start dnsmasq and haproxy in namespaces: oslo's `root_helper`, without sudo.

As with `privsep`: a socket that the agent's account alone may open, and a unit of systemd's for each command. What the
command leaves running stays there and outlives the agent (KillMode=process).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

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
    return f"{_base(place)}.socket"


def command(place: Place) -> str:
    """The agent's [AGENT] root_helper."""
    return f"/usr/bin/python3 -I {_script(place)} ask {_socket(place)}"


def resources(place: Place, *, namespaces: str, programs: tuple[str, ...]) -> Iterator[Resource]:
    """The program, the helper's unit and the socket. `namespaces` is how their names begin."""
    name = place.component.name
    yield File(
        path=_script(place),
        content=(package.files("wallcloud.plugins") / "root_helper.py").read_text(encoding="utf-8"),
        component=name,
        reason="starts programs in namespaces without sudo",
    )
    yield Unit(
        unit=f"{_base(place)}@.service",
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
ExecStart=/usr/bin/python3 -I {_script(place)} serve {namespaces} {",".join(programs)}
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
    yield Unit(
        unit=socket_unit(place),
        text=f"""\
[Unit]
Description=Wallcloud: where {place.component.title} starts programs in namespaces

[Socket]
ListenStream={_socket(place)}
Accept=yes
MaxConnections=64
SocketUser={place.component.account.name}
SocketMode=0600
DirectoryMode=0755
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
""",
        component=name,
        reason="its account alone may ask",
    )


def _base(place: Place) -> str:
    return f"wallcloud-root-{place.component.name}"


def _socket(place: Place) -> str:
    return f"/run/wallcloud/root-{place.component.name}.sock"


def _script(place: Place) -> str:
    return f"/usr/lib/wallcloud/root-{place.component.name}.py"
