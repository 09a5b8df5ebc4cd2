"""Privileged helpers of Neutron's agents on a node: one process that has everything loaded and forks them.

Like `privsep` (which see), but for all agents together: who asks is known by the uid of the asking process.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

from wallcloud.catalog import openvswitch, oslo
from wallcloud.catalog.component import ROOT, Component, Listen
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File, Unit
from wallcloud.site.model import Role

NAME = "neutron-privsep"
SOCKET = f"/run/wallcloud/{NAME}.sock"
UNIT = f"wallcloud-{NAME}.service"
SOCKET_UNIT = f"wallcloud-{NAME}.socket"
ASK = f"/usr/lib/wallcloud/{NAME}-ask.py"
NEST = f"/usr/lib/wallcloud/{NAME}.py"
AGENTS = ("neutron-ovs-agent", "neutron-l3-agent", "neutron-dhcp-agent")
_PRIVILEGED = "neutron.privileged.agent"
_PRELOAD = (
    "oslo_privsep.daemon",
    *(f"{_PRIVILEGED}.linux.{name}" for name in ("dhcp", "ethtool", "ip_lib", "netlink_lib", "tc_lib", "utils")),
    f"{_PRIVILEGED}.ovsdb.native.helpers",
)
# The contexts of neutron/privileged/__init__.py. What they run as root keeps no more than the daemon has
# (NoNewPrivileges), so arping and kill need theirs here.
_SPACES = ("CAP_NET_ADMIN", "CAP_SYS_ADMIN")
_EVERYTHING = (*_SPACES, "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_PTRACE")
_GROUPS = {
    "privsep": _EVERYTHING,
    "privsep_dhcp_release": (*_SPACES, "CAP_NET_RAW"),
    "privsep_ovs_vsctl": (*_SPACES, "CAP_DAC_OVERRIDE"),
    "privsep_namespace": ("CAP_SYS_ADMIN",),
    "privsep_conntrack": ("CAP_NET_ADMIN",),
    "privsep_link": _SPACES,
}


def folder_of(agent: str) -> str:
    """Where an agent listens for its helpers: its RuntimeDirectory."""
    return f"/run/wallcloud-{agent}"


def config_of(agent: str) -> str:
    """An agent's settings, which its helpers read, too."""
    return f"/etc/wallcloud/{agent}/neutron.conf"


def settings(agent: str) -> oslo.Settings:
    """For each privsep group of an agent's settings: how to ask for a helper, and the capabilities it keeps."""
    ask = f"/usr/bin/python3 -I {ASK} ask {SOCKET}"
    return {
        group: {"helper_command": ask, "capabilities": kept, "thread_pool_size": 4} for group, kept in _GROUPS.items()
    }


def lines(agent: str) -> tuple[str, ...]:
    """[Service] lines of an agent: oslo.privsep makes its sockets in TMPDIR, and helpers do not see its /tmp."""
    return (
        f"RuntimeDirectory=wallcloud-{agent}",
        "RuntimeDirectoryMode=0700",
        f"Environment=TMPDIR={folder_of(agent)}",
    )


def resources(place: Place) -> Iterator[Resource]:
    """The programs, the socket, the unit."""
    here = [agent for agent in AGENTS if place.node in place.placed.get(agent, ())]
    for path, name, why in (
        (ASK, "privsep.py", "asks for privileged helpers without sudo"),
        (NEST, "privsep_nest.py", "forks privileged helpers"),
    ):
        text = (package.files("wallcloud.plugins") / name).read_text(encoding="utf-8")
        yield File(path=path, content=text, component=NAME, reason=why)
    yield Unit(
        unit=SOCKET_UNIT,
        text=f"""\
[Unit]
Description=Wallcloud: where Neutron's agents ask for privileged helpers

[Socket]
ListenStream={SOCKET}
# Whoever is served gets a daemon that does what he says: the agents' accounts are, which all are in this group.
SocketGroup={openvswitch.ACCOUNT.group}
SocketMode=0660
DirectoryMode=0755
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
""",
        component=NAME,
        reason="agents ask at any time",
    )
    served = " ".join(f"{place.catalog[it].account.uid}={config_of(it)}={folder_of(it)}" for it in here)
    yield service(
        place,
        description="privileged helpers of Neutron's agents",
        kind="notify",
        start=f"{place.environment}/bin/python -I {NEST} {','.join(_PRELOAD)} {served}",
        restart_on=(NEST,),
        requires=(SOCKET_UNIT,),
        # Nothing that would give it a mount namespace: what it makes in /run/netns is everybody's.
        sandbox=(),
        lines=(
            "Restart=always",
            # Beyond what helpers keep, what they need to become so.
            f"CapabilityBoundingSet={' '.join(sorted({*_EVERYTHING, 'CAP_SETPCAP'}))}",
            "NoNewPrivileges=yes",
            "LockPersonality=yes",
            "RestrictRealtime=yes",
            "RestrictSUIDSGID=yes",
            "SystemCallArchitectures=native",
            "UMask=0022",
            "LimitCORE=0",
            "Environment=LANG=C.UTF-8 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2 PYTHONWARNINGS=ignore",
        ),
    )


COMPONENT = Component(
    name=NAME,
    title="privileged helpers of Neutron's agents",
    roles=(Role.NETWORK, Role.COMPUTE),
    account=ROOT,
    environment=True,
    listens=(
        Listen(
            "helpers",
            None,
            path=SOCKET,
            authentication="the asking process's uid (SO_PEERCRED)",
            encryption="the node's kernel",
            members=openvswitch.ACCOUNT.group,
        ),
    ),
    after=("openvswitch",),
    resources=resources,
)
