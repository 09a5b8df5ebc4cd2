"""Open vSwitch: the bridges of a node. Its database is an account's own; the switch is root, with few capabilities."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from wallcloud.catalog import bridges, overlay
from wallcloud.catalog.component import KERNEL, ROOT, Account, Call, Component, Exemption, Listen, OwnSocket, Private
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Kind, Role

NAME = "openvswitch"
ACCOUNT = Account(NAME, 660)
"""The database server's. Who is in its group may change bridges and ports."""
SOCKET = "/run/openvswitch/db.sock"
DATABASE_UNIT = "wallcloud-ovsdb.service"
SWITCH_UNIT = "wallcloud-openvswitch.service"
FOLDER = "/etc/wallcloud/openvswitch"
_DATA = "/var/lib/wallcloud/openvswitch"
_RULES = f"{FOLDER}/overlay.flows"
_COMMANDS = f"{FOLDER}/overlay.batch"
_PREPARE = "/usr/lib/wallcloud/ovsdb-prepare"
_STARTING = "/usr/lib/wallcloud/ovs-starting"
_STARTED = "/usr/lib/wallcloud/ovs-started"
_BOOTED = "/run/openvswitch/booted"
_KERNEL = "the node's kernel"
_VXLAN = Exemption(
    "vxlan-plaintext",
    "VXLAN has neither login nor encryption; the overlay is a wire of its own, and a bridge lets only its peers in",
    "Wallcloud",
)

_PREPARE_SCRIPT = f"""\
#!/bin/sh
# Wallcloud: makes Open vSwitch's database, or brings it to the schema of the installed version.
set -eu
schema=/usr/share/openvswitch/vswitch.ovsschema
cd {_DATA}
if ! [ -e conf.db ]; then
    rm -f new.db
    ovsdb-tool create new.db $schema
    mv new.db conf.db
elif [ "$(ovsdb-tool needs-conversion conf.db $schema)" = yes ]; then
    ovsdb-tool compact conf.db
    ovsdb-tool convert conf.db $schema
fi
"""
_STARTING_SCRIPT = f"""\
#!/bin/sh
# Wallcloud: at the first start after a boot, ports of routers, DHCP servers and VMs are those of devices that are gone:
# whoever had them plugged in does it anew, or they were deleted in the meantime.
set -u
vsctl() {{
    ovs-vsctl --timeout=20 --no-wait "$@"
}}
vsctl init || exit
if ! [ -e {_BOOTED} ]; then
    for port in $(vsctl --bare --columns=name find Interface 'external_ids:iface-id!=""'); do
        vsctl --if-exists del-port "$port"
    done
    : >{_BOOTED}
fi
"""
_STARTED_SCRIPT = f"""\
#!/bin/sh
# Wallcloud: what ovs-vswitchd forgets when it stops: the rules of the tunnels' bridge, and its address.
set -u
ovs-vsctl --timeout=10 br-exists {bridges.OVERLAY} || exit 0
ovs-ofctl -O OpenFlow14 --bundle replace-flows {bridges.OVERLAY} {_RULES}
ip -force -batch {_COMMANDS}
"""


def datapath(place: Place) -> Literal["netdev", "system"]:
    """The kernel's where it has the module, else in user space."""
    return "system" if place.facts.ovs_kernel else "netdev"


def resources(place: Place) -> Iterator[Resource]:
    """Database and switch, the bridges of the node's networks, the tunnels' bridge with its rules and address."""
    yield r.Directory(path=FOLDER, component=NAME, reason="what the switch needs at its start")
    yield r.Directory(
        path=_DATA, owner=NAME, group=NAME, mode=0o700, component=NAME, reason="its database: it survives a reboot"
    )
    for path, content, mode, why in (
        (_RULES, "\n".join([*overlay.rules(place), ""]), 0o644, "who may send VXLAN, after each start of the switch"),
        (_COMMANDS, overlay.commands(place), 0o644, "the tunnel address, after each start of the switch"),
        (_PREPARE, _PREPARE_SCRIPT, 0o755, "the database's schema"),
        (_STARTING, _STARTING_SCRIPT, 0o755, "ports of devices that a boot took away"),
        (_STARTED, _STARTED_SCRIPT, 0o755, "what the switch forgets"),
    ):
        yield r.File(path=path, content=content, mode=mode, component=NAME, reason=why)
    yield _database_unit(place)
    yield _switch_unit(place)
    yield from _bridges(place)


def _bridges(place: Place) -> Iterator[Resource]:
    for name, bridge in bridges.of(place.site, place.node).items():
        network = place.site.networks[name]
        tunnels = bridge == bridges.OVERLAY
        yield r.OvsBridge(
            bridge=bridge,
            datapath=datapath(place),
            cards=(network.device(place.site.nodes[place.node].interfaces[name]),),
            others=() if tunnels else ("phy-*",),
            mtu=network.mtu,
            controlled=not tunnels,
            component=NAME,
            reason=f"the tunnels' card and address ({name})" if tunnels else f"{name}, without an address of the node",
        )
        if not tunnels:
            yield r.Interface(
                interface=bridge,
                mtu=network.mtu,
                up=False,
                component=NAME,
                reason=f"the node itself has nothing to say on {name}",
            )
    yield r.OvsFlows(
        bridge=bridges.OVERLAY,
        flows=overlay.rules(place),
        component=NAME,
        reason="VXLAN from and to overlay peers only",
    )
    yield r.Interface(
        interface=bridges.OVERLAY,
        addresses=(overlay.address(place),),
        mtu=place.network(Kind.OVERLAY)[1].mtu,
        component=NAME,
        reason="the tunnel address",
    )
    yield r.ExclusiveOvsBridges(
        keep=(bridges.INTEGRATION, bridges.TUNNELS),
        component=NAME,
        reason="a bridge that the site does not name leaves; Neutron's agent makes its own two",
    )


def _database_unit(place: Place) -> Resource:
    return service(
        place,
        name="ovsdb",
        description="the switch's database (Open vSwitch)",
        kind="forking",
        start=(
            f"/usr/sbin/ovsdb-server {_DATA}/conf.db --remote=punix:{SOCKET} --unixctl=/run/openvswitch/ovsdb.ctl "
            "--pidfile=/run/openvswitch/ovsdb-server.pid --detach --no-chdir -vconsole:off -vsyslog:warn -vfile:off"
        ),
        restart_on=(_PREPARE,),
        ready=("/usr/bin/ovs-vsctl", "--timeout=5", "--no-wait", "list-br"),
        lines=(
            f"ExecStartPre={_PREPARE}",
            "PIDFile=/run/openvswitch/ovsdb-server.pid",
            "RuntimeDirectory=openvswitch",
            "RuntimeDirectoryMode=0750",
            # The switch's sockets stay while this restarts.
            "RuntimeDirectoryPreserve=yes",
            f"ReadWritePaths={_DATA}",
            "Restart=always",
            "RestrictAddressFamilies=AF_UNIX",
            "PrivateNetwork=yes",
            "MemoryDenyWriteExecute=yes",
            "SystemCallFilter=@system-service",
            "SystemCallFilter=~@privileged @resources",
            "SystemCallErrorNumber=EPERM",
            "LimitNOFILE=65536",
            "LimitCORE=0",
            # Its group opens the socket, and not the door by which it is told to listen elsewhere.
            "UMask=0007",
            "ExecStartPost=/bin/chmod 0700 /run/openvswitch/ovsdb.ctl",
        ),
        publishes=False,
    )


def _switch_unit(place: Place) -> Resource:
    modules = ("ExecStartPre=-+/sbin/modprobe -a openvswitch vxlan",) if datapath(place) == "system" else ()
    return service(
        place,
        description="the switch (Open vSwitch)",
        kind="forking",
        account=ROOT,
        # With --detach it goes to the background once the bridges of the database are there.
        start=(
            f"/usr/sbin/ovs-vswitchd unix:{SOCKET} --pidfile=/run/openvswitch/ovs-vswitchd.pid "
            "--detach --no-chdir -vconsole:off -vsyslog:warn -vfile:off"
        ),
        restart_on=(_STARTING, _STARTED),
        ready=("/usr/bin/ovs-vsctl", "--timeout=5", "show"),
        after=(DATABASE_UNIT,),
        lines=(
            "PIDFile=/run/openvswitch/ovs-vswitchd.pid",
            *modules,
            f"ExecStartPre={_STARTING}",
            f"ExecStartPost=-{_STARTED}",
            "ReadWritePaths=/run/openvswitch",
            "Restart=always",
            # Cards, taps and the addresses of its own ports; sockets in a folder of another account.
            "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_DAC_OVERRIDE",
            "DevicePolicy=closed",
            "DeviceAllow=/dev/net/tun rw",
            "PrivateDevices=no",
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET",
            "ProtectKernelTunables=no",
            "SystemCallFilter=@system-service",
            "SystemCallErrorNumber=EPERM",
            "LimitNOFILE=65536",
            "LimitCORE=0",
        ),
    )


def sockets(place: Place) -> Iterator[OwnSocket]:
    """How root commands both programs, and how frames come in."""
    yield OwnSocket("unix", "/run/openvswitch/ovsdb.ctl", "ovs-appctl as root: the database", always=True)
    switch = partial(OwnSocket, account=ROOT, units=SWITCH_UNIT)
    yield switch("unix", "/run/openvswitch/ovs-vswitchd.*.ctl", "ovs-appctl as root: the switch", always=True)
    of = bridges.of(place.site, place.node)
    for bridge in (*of.values(), bridges.INTEGRATION, bridges.TUNNELS):
        for end, why in (("mgmt", "ovs-ofctl as root"), ("snoop", "ovs-ofctl as root looks on")):
            yield switch("unix", f"/run/openvswitch/{bridge}.{end}", f"{why}: {bridge}", always=True)
    if datapath(place) == "system":
        yield OwnSocket("udp", f"*:{overlay.PORT}", "tenants' frames between nodes", account=KERNEL, always=True)
        return
    for network in of:
        card = place.site.networks[network].device(place.site.nodes[place.node].interfaces[network])
        yield switch("packet", card, f"frames of {network}, switched in user space", always=True)
    yield switch("packet", "tap*", "frames of a tenant's port, switched in user space")


def private(place: Place) -> Iterator[Private]:
    """The database's file; its group asks at the socket."""
    yield Private(f"{_DATA}/conf.db", "bridges and ports", (ACCOUNT,))


COMPONENT = Component(
    name=NAME,
    title="Open vSwitch",
    roles=(Role.NETWORK, Role.COMPUTE),
    account=ACCOUNT,
    packages=("openvswitch-switch",),
    masks=(
        "openvswitch-switch.service",
        "ovsdb-server.service",
        "ovs-vswitchd.service",
        "ovs-record-hostname.service",
        # It comes with the package, listens after the next reboot, and nobody asks it.
        "uuidd.service",
        "uuidd.socket",
    ),
    listens=(
        Listen("database", None, path=SOCKET, authentication="the socket's group", encryption=_KERNEL, members=NAME),
        Listen(
            "vxlan",
            Kind.OVERLAY,
            overlay.PORT,
            protocol="udp",
            authentication="none: any overlay peer's address",
            encryption="none",
            exemption=_VXLAN,
            switched=True,
        ),
    ),
    calls=(
        Call(NAME, "vxlan", "tenants' frames between nodes", account=KERNEL, neighbours=True, orders=False),
        Call(
            "neutron-ovs-agent",
            "openflow",
            "asks its controller what to do with frames",
            account=ROOT,
            same_node=True,
            orders=False,
        ),
    ),
    sockets=sockets,
    private=private,
    resources=resources,
)
