"""libvirt and QEMU: the tenants' machines. libvirtd is root's, on a unix socket that only nova-compute may open.

QEMU runs as `libvirt-qemu`, for whom no flow is declared: it can open no connection. A guest's files are QEMU's while
it runs and nova-compute's again afterwards. Guests live on while libvirtd restarts.
"""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog.component import ROOT, Account, Component, Listen, OwnSocket, Private
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, File
from wallcloud.site.model import Role

QEMU = Account("libvirt-qemu", 640, home="/var/lib/libvirt")
USERS = "nova-compute"
"""The group that may command libvirtd, which is as good as root."""
INSTANCES = "/var/lib/wallcloud/instances"
SOCKET = "/run/libvirt/libvirt-sock"
URI = "qemu:///system"
_CONFIG = "/etc/wallcloud/libvirtd.conf"
_LOGGER = "/etc/wallcloud/virtlogd.conf"
_QEMU = "/etc/libvirt/qemu.conf"
_CONTAINERS = frozenset({"systemd-nspawn", "lxc", "lxc-libvirt", "docker", "podman", "openvz", "container-other"})

_LIBVIRTD = """\
# Written by Wallcloud; changes made here are taken back by the next apply.
# No listener but unix sockets: libvirtd is started without --listen.
listen_tls = 0
listen_tcp = 0
unix_sock_group = "{users}"
unix_sock_rw_perms = "0770"
unix_sock_ro_perms = "0700"
unix_sock_admin_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
"""

_VIRTLOGD = """\
# Written by Wallcloud; changes made here are taken back by the next apply.
log_outputs = "3:stderr"
# A guest that writes to its console for ever fills this much and no more.
max_size = 2097152
max_backups = 2
"""


def resources(place: Place) -> Iterator[Resource]:
    """Settings, the units of virtlogd and libvirtd."""
    yield Directory(
        path="/etc/libvirt/qemu/networks",
        mode=0o700,
        exclusive=True,
        component="libvirt",
        reason="libvirt has no networks of its own: Neutron makes them all",
    )
    yield Directory(
        path=INSTANCES,
        owner=USERS,
        group=QEMU.group,
        # What is made in it has QEMU's group, so that QEMU finds its files.
        mode=0o2750,
        component="libvirt",
        reason="the guests' disks",
    )
    for path, content, why in (
        (_QEMU, qemu(place), "how guests run"),
        (_CONFIG, libvirtd(place), "who may command libvirtd"),
        (_LOGGER, _VIRTLOGD, "how much guests may write to their consoles"),
    ):
        yield File(path=path, content=content, mode=0o600, component="libvirt", reason=why)
    yield _virtlogd(place)
    yield service(
        place,
        name="libvirtd",
        description="guests (libvirt)",
        kind="notify",
        start=f"/usr/sbin/libvirtd --config {_CONFIG}",
        restart_on=(_CONFIG, _QEMU),
        ready=("/usr/bin/virsh", "--connect", URI, "--quiet", "uri"),
        after=("wallcloud-virtlogd.service",),
        lines=(
            # Guests outlive it. They may be in its control group (in a container there is no other).
            "KillMode=process",
            "Restart=always",
            "LimitCORE=0",
            "LimitNOFILE=8192",
            "LimitMEMLOCK=64M",
            "TasksMax=32768",
            "OOMScoreAdjust=-900",
            # A KVM that is there for root and not for QEMU has libvirt ask QEMU anew what it can, ten times a guest.
            *(() if place.facts.kvm else ("InaccessiblePaths=-/dev/kvm",)),
        ),
        # It makes mount namespaces, devices and control groups for guests and gives up root for them: no sandbox
        # leaves it that. What it starts is confined by itself (account, capabilities, seccomp, AppArmor).
        sandbox=(),
        stop_seconds=60,
    )


def _virtlogd(place: Place) -> Resource:
    return service(
        place,
        name="virtlogd",
        description="guests' consoles (virtlogd)",
        kind="notify",
        start=f"/usr/sbin/virtlogd --config {_LOGGER} --pid-file /run/libvirt/virtlogd.pid",
        # It executes itself anew and keeps the guests' open logs.
        reload="/bin/kill -USR1 $MAINPID",
        reload_on=(_LOGGER,),
        lines=(
            "Restart=always",
            "LimitNOFILE=65536",
            "OOMScoreAdjust=-900",
            "RuntimeDirectory=libvirt",
            "RuntimeDirectoryMode=0755",
            "RuntimeDirectoryPreserve=yes",
            f"ReadWritePaths={INSTANCES} /var/log/libvirt",
            # It writes into folders of nova-compute's, and only root may ask it.
            "CapabilityBoundingSet=CAP_DAC_OVERRIDE",
            "RestrictAddressFamilies=AF_UNIX",
            "PrivateNetwork=yes",
            "UMask=0077",
        ),
        publishes=False,
    )


def libvirtd(place: Place) -> str:
    """libvirtd.conf."""
    text = _LIBVIRTD.format(users=USERS)
    # A container sees its host's firmware, so its UUID would be every node's.
    return f'{text}host_uuid_source = "machine-id"\n' if contained(place) else text


def qemu(place: Place) -> str:
    """qemu.conf."""
    lines = [
        "# Written by Wallcloud; changes made here are taken back by the next apply.",
        f'user = "{QEMU.name}"',
        # With Debian's /dev/kvm the group is what opens it; the account's own group comes besides.
        f'group = "{"kvm" if place.facts.kvm else QEMU.group}"',
        "dynamic_ownership = 1",
        "remember_owner = 1",
        'stdio_handler = "logd"',
        "seccomp_sandbox = 1",
        "max_core = 0",
        "dump_guest_core = 0",
    ]
    if contained(place):
        # Control groups are the host's, and so are its security modules.
        lines += ["cgroup_controllers = [ ]", 'security_driver = "none"']
        if not place.facts.kvm:
            # /dev/kvm is hidden by a mount, of which a guest's /dev of its own would leave a file behind each time.
            lines += ["namespaces = [ ]"]
    else:
        lines += ["security_default_confined = 1"]
    return "\n".join([*lines, ""])


def contained(place: Place) -> bool:
    """Whether the node is a container: its kernel's modules and control groups belong to its host."""
    return place.facts.virtualization in _CONTAINERS


def sockets(place: Place) -> Iterator[OwnSocket]:
    """What only root asks, and QEMU's monitors."""
    for name in ("libvirt-sock-ro", "libvirt-admin-sock", "virtlogd-sock", "virtlogd-admin-sock"):
        yield OwnSocket("unix", f"/run/libvirt/{name}", "root alone asks here", always=True)
    for at, why in (
        ("/var/lib/libvirt/qemu/domain-*/*.sock", "libvirtd commands a guest"),
        ("/var/lib/libvirt/qemu/qmp-*/qmp.monitor", "libvirtd asks QEMU what it can"),
        ("/run/libvirt/qemu/channel/*", "libvirtd talks to a guest's agent"),
    ):
        yield OwnSocket("unix", at, why, account=QEMU, given_up=True)
    yield OwnSocket(
        "unix",
        "/run/systemd/userdb/io.systemd.Machine",
        "libvirtd registers guests with systemd-machined, which the system bus starts",
        everyone="it tells names of machines' accounts, of which there are none",
    )


def private(place: Place) -> Iterator[Private]:
    """Tenants' disks and consoles, and libvirt's own."""
    for path, why in (
        (INSTANCES, "nova-compute makes the guests' folders, QEMU finds its files there"),
        (f"{INSTANCES}/*-*-*-*-*", "a guest's folder"),
        (f"{INSTANCES}/*-*-*-*-*/disk*", "a guest's disk"),
        (f"{INSTANCES}/_base/*", "what guests' disks are made of"),
        ("/var/lib/libvirt/qemu", "guests' monitors and memory"),
    ):
        yield Private(path, why, (QEMU,), members=QEMU.group)
    yield Private("/var/lib/libvirt/qemu/domain-*/master-key.aes", "opens what libvirt tells a guest's QEMU", (QEMU,))
    for path, why in (
        (f"{INSTANCES}/*-*-*-*-*/console.log", "what a guest says on its console; nova-compute has a helper read it"),
        ("/etc/libvirt/secrets", "libvirt's secrets"),
        ("/etc/libvirt/qemu/*.xml", "guests"),
        ("/run/libvirt/qemu/*.xml", "guests"),
        ("/run/libvirt/secrets", "libvirt's secrets"),
    ):
        yield Private(path, why, ())


COMPONENT = Component(
    name="libvirt",
    title="libvirt",
    roles=(Role.COMPUTE,),
    account=ROOT,
    accounts=(QEMU,),
    packages=("libvirt-clients", "libvirt-daemon-driver-qemu", "libvirt-daemon-system", "qemu-system-x86"),
    masks=(
        "libvirt-guests.service",
        "libvirtd-admin.socket",
        "libvirtd-ro.socket",
        "libvirtd-tcp.socket",
        "libvirtd-tls.socket",
        "libvirtd.service",
        "libvirtd.socket",
        "polkit.service",
        "virtlockd-admin.socket",
        "virtlockd.service",
        "virtlockd.socket",
        "virtlogd-admin.socket",
        "virtlogd.service",
        "virtlogd.socket",
    ),
    listens=(Listen("socket", None, path=SOCKET, authentication="the socket's group", encryption="the node's kernel"),),
    sockets=sockets,
    private=private,
    resources=resources,
)
