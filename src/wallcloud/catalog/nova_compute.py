"""nova-compute: makes the tenants' machines with libvirt. It has no database, and no capability: see `privsep`."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, libvirt, nova, openstack, openvswitch, oslo, privsep, tls
from wallcloud.catalog.component import Account, Call, Component, Limit, Private, ServiceUser, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, File, Link
from wallcloud.site.model import Role

NAME = "nova-compute"
ACCOUNT = Account(
    NAME,
    645,
    home="/var/lib/wallcloud/nova-compute",
    # Ports in Open vSwitch's database; the files of a running guest, which are QEMU's.
    groups=(libvirt.QEMU.group, openvswitch.ACCOUNT.group),
)
FOLDER = openstack.folder(NAME)
CONFIG = f"{FOLDER}/nova.conf"
_BINDING = "/usr/lib/wallcloud/libvirt"
_BINDING_FROM = "/usr/lib/python3/dist-packages"
_BINDING_FILES = ("libvirt.py", "libvirtmod.cpython-311-x86_64-linux-gnu.so")
# What of nova.privsep is used without volumes, encryption and pinning: times, console logs, QEMU's files.
_FILES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER")
_LINKS = ("CAP_NET_ADMIN",)


def limits(given: LimitInput) -> Iterator[Limit]:
    """What is kept from guests."""
    memory = min((given.facts[node].memory_mib for node in given.placed.get(NAME, ())), default=8192)
    text = f"for the node itself: a sixteenth of its memory, 512 to 8192; the smallest has {memory} MiB"
    terms = (Term(text, _reserved(memory)),)
    yield Limit(NAME, "reserved_memory_mib", terms)


def _reserved(memory_mib: int) -> int:
    """By each node's own memory: a smaller compute that joins restarts no other."""
    return max(512, min(8192, memory_mib // 16))


def resources(place: Place) -> Iterator[Resource]:
    """Folders, libvirt's binding, certificate, settings, the door to privileged helpers, the unit."""
    yield openstack.own_folder(place)
    for path, owner, group, mode, why in (
        (ACCOUNT.home, NAME, NAME, 0o700, "its identity"),
        (_BINDING, "root", "root", 0o755, "libvirt's binding, alone of Debian's packages for Python"),
    ):
        yield Directory(path=path, owner=owner, group=group, mode=mode, component=NAME, reason=why)
    for name in _BINDING_FILES:
        yield Link(
            path=f"{_BINDING}/{name}",
            target=f"{_BINDING_FROM}/{name}",
            component=NAME,
            reason="the binding that fits Debian's libvirt",
        )
    if place.seed and place.node in place.seed.computes:
        yield File(
            path=f"{ACCOUNT.home}/compute_id",
            content=place.seed.computes[place.node],
            owner=NAME,
            group=NAME,
            mode=0o600,
            component=NAME,
            reason="its identity in the restored database: without it nova-compute refuses to start",
        )
    yield tls.client_certificate(place, reason="nova-compute logs in to the message bus")
    yield oslo.config(place, CONFIG, settings(place), reason="nova-compute's settings")
    yield from privsep.resources(
        place,
        contexts=("nova.privsep.sys_admin_pctxt", "vif_plug_ovs.privsep.vif_plug"),
        config=(CONFIG,),
        capabilities=(*_FILES, *_LINKS),
        own=(
            "ProtectSystem=strict",
            "ProtectHome=yes",
            f"ReadWritePaths={libvirt.INSTANCES}",
            "RestrictNamespaces=yes",
            "RestrictSUIDSGID=yes",
            # Addresses and links of the host by netlink; its service by a unix socket; nothing else.
            "RestrictAddressFamilies=AF_UNIX AF_NETLINK",
            "IPAddressDeny=any",
        ),
    )
    yield _unit(place)


def settings(place: Place) -> oslo.Settings:
    """nova.conf of a compute node: no database in it, and no listener."""
    return oslo.together(
        nova.settings(place),
        privsep.settings(place, {"nova_sys_admin": _FILES, "vif_plug_ovs_privileged": _LINKS}),
        {
            "DEFAULT": {
                "compute_driver": "libvirt.LibvirtDriver",
                "instances_path": libvirt.INSTANCES,
                "resume_guests_state_on_host_boot": True,
                "reserved_host_memory_mb": _reserved(place.facts.memory_mib),
                "initial_cpu_allocation_ratio": 4.0,
                "initial_ram_allocation_ratio": 1.0,
                "initial_disk_allocation_ratio": 1.0,
                "vif_plugging_timeout": 120,
            },
            "libvirt": {**_virtualization(place), "connection_uri": libvirt.URI},
            # Until Neutron has wired it, a new port hears and says nothing.
            "os_vif_ovs": {"ovsdb_connection": f"unix:{openvswitch.SOCKET}", "isolate_vif": True},
        },
    )


def _virtualization(place: Place) -> dict[str, oslo.Setting]:
    """KVM with the host's CPU, or QEMU's own (TCG) where KVM cannot run a guest."""
    if place.facts.kvm:
        return {"virt_type": "kvm", "cpu_mode": "host-model"}
    # Translated code is kept in memory beside the guest's: QEMU alone would take up to 1 GiB.
    return {"virt_type": "qemu", "cpu_mode": "none", "tb_cache_size": 32}


def _unit(place: Place) -> Resource:
    return openstack.daemon(
        place,
        program="nova-compute",
        config=(CONFIG,),
        description="tenants' machines (nova-compute)",
        # Two connections to the bus are for what it asks; from its start's end on there are two more, on which it is
        # asked.
        ready=bus.talks(place, 4),
        restart_on=(privsep.template_unit(place),),
        requires=(privsep.socket_unit(place),),
        after=("wallcloud-libvirtd.service",),
        lines=(
            *privsep.lines(place),
            f"Environment=PYTHONPATH={_BINDING}",
            f"ReadWritePaths={libvirt.INSTANCES} {ACCOUNT.home}",
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK",
            # /proc/meminfo
            "ProcSubset=all",
            # Limits for qemu-img, which reads what tenants made: oslo.concurrency sets them by setrlimit.
            "SystemCallFilter=@system-service",
            "SystemCallFilter=~@privileged",
            "TasksMax=2048",
        ),
    )


def private(place: Place) -> Iterator[Private]:
    """Who this compute is."""
    yield Private(f"{ACCOUNT.home}/compute_id", "its identity", (ACCOUNT,))


COMPONENT = Component(
    name=NAME,
    title="nova-compute",
    roles=(Role.COMPUTE,),
    account=ACCOUNT,
    # genisoimage: config drives.
    packages=("genisoimage", "python3-libvirt", "qemu-utils"),
    bus=nova.BUS,
    user=ServiceUser(NAME),
    environment=True,
    program="nova",
    derived=(
        *nova.DERIVED,
        "default.compute_driver",
        "default.host",
        "default.instances_path",
        "default.reserved_host_memory_mb",
        "default.state_path",
        "libvirt.connection_uri",
        "libvirt.virt_type",
        "os_vif_ovs.ovsdb_connection",
        "spice.enabled",
        "vnc.enabled",
    ),
    calls=(
        Call("libvirt", "socket", "makes guests", same_node=True),
        Call(openvswitch.NAME, "database", "plugs guests in", same_node=True),
        bus.CALL,
        openstack.TOKENS,
    ),
    # It registers with both when it starts, and tries again a minute later.
    follows=("identity", "nova-conductor", "placement"),
    sockets=privsep.sockets,
    private=private,
    resources=resources,
)
