"""What every node has: folders, names, kernel settings, the network of the design, the journal's limits."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

from wallcloud.catalog import bridges, tls
from wallcloud.catalog.component import (
    EVERY_ROLE,
    MESSAGE_BUS,
    OUTSIDE,
    ROOT,
    Component,
    Exemption,
    Listen,
    Outside,
    OwnSocket,
    Private,
    Visit,
)
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, File, Input, Interface, InterfaceSysctls, Route, Sysctl, Unit
from wallcloud.node.resources.unit import STAMP_PATH, STAMP_SCRIPT, stamp_lines
from wallcloud.node.secret import Secret
from wallcloud.site.model import Kind, Network, Role

_IPV4 = {
    # No node forwards between the site's networks; tenants' routers have namespaces of their own.
    "forwarding": "0",
    # Weak host model off: an address answers on its own interface only (ip-sysctl.rst).
    "arp_ignore": "1",
    "arp_announce": "2",
    "rp_filter": "1",
    "accept_local": "0",
    "route_localnet": "0",
    # Nobody answers for others.
    "proxy_arp": "0",
    "proxy_arp_pvlan": "0",
    "arp_accept": "0",
    # Who is on a wire does not tell a node which way to send.
    "accept_redirects": "0",
    "send_redirects": "0",
    "accept_source_route": "0",
}
_IPV6 = {"disable_ipv6": "1", "forwarding": "0", "accept_ra": "0", "accept_redirects": "0"}
"""Whatever a network's cidr6 says: nodes have no IPv6 address."""
# First: a change of it resets accept_redirects and others (ip-sysctl.rst, ip_forward).
_FORWARD = ("net.ipv4.ip_forward", "0")
_PREFIXES = {"net/ipv4/conf": _IPV4, "net/ipv6/conf": _IPV6}

UWSGI_READY = "/usr/lib/wallcloud/uwsgi_ready.py"
_JOURNAL = "/etc/systemd/journald.conf.d/wallcloud.conf"
_BATCH = "/etc/wallcloud/network.batch"
WIRES = "/etc/wallcloud/wires"
"""Also a fact (node/facts.py): where it differs from the design, an apply tries the wires first."""


def resources(place: Place) -> Iterator[Resource]:
    """Everything below the components but the network: nothing here depends on a package of Wallcloud's."""
    for path, why, exclusive in (
        ("/etc/wallcloud", "configuration that Wallcloud writes", True),
        ("/usr/lib/wallcloud", "small programs that units use", True),
        ("/var/lib/wallcloud", "data of services", False),
        (tls.FOLDER, "certificates and the keys that were born here", True),
    ):
        yield Directory(path=path, exclusive=exclusive, component="basics", reason=why)
    yield File(path=tls.CA, content=(Secret(tls.CA_HOLE),), component="basics", reason="whom this node trusts")
    if Role.CONTROL in place.roles:
        why = "certificates that were replaced are refused here"
        yield File(path=tls.CRL, content=(Secret(tls.CRL_HOLE),), component="basics", reason=why)
    yield File(path=STAMP_PATH, content=STAMP_SCRIPT, mode=0o755, component="basics", reason="units stamp their inputs")
    yield File(
        path=UWSGI_READY,
        content=(package.files("wallcloud.plugins") / "uwsgi_ready.py").read_text(encoding="utf-8"),
        component="basics",
        reason="asks a service behind a uwsgi socket whether it answers",
    )
    yield File(
        path="/etc/hostname", content=f"{place.node}\n", component="basics", reason="the node's name in the site"
    )
    yield File(
        path="/etc/hosts", content=place.hosts, component="basics", reason="names come from the design, not from DNS"
    )
    yield File(
        path="/etc/sysctl.d/60-wallcloud.conf",
        content=_sysctls(),
        component="basics",
        reason="the same kernel settings after a reboot",
    )
    key, value = _FORWARD
    yield Sysctl(key=key, value=value, component="basics", reason="no node forwards between the site's networks")
    yield InterfaceSysctls(
        ipv4=tuple(f"{key} {value}" for key, value in _IPV4.items()),
        ipv6=tuple(f"{key} {value}" for key, value in _IPV6.items()),
        component="basics",
        reason="weak host model off, no forwarding, no redirects, no stray IPv6; also where somebody set it by hand",
    )
    yield Directory(path="/etc/systemd/journald.conf.d", component="basics", reason="for the journal's limits")
    yield File(
        path=_JOURNAL, content=_journal(), component="basics", reason="a journal that survives a reboot and has a limit"
    )
    yield Unit(
        unit="wallcloud-journal.service",
        text=_oneshot(
            "the journal's limits", f"/bin/systemctl restart systemd-journald.service\n{stamp_lines((_JOURNAL,))}"
        ),
        inputs=(Input(path=_JOURNAL),),
        component="basics",
        reason="journald takes its limits at a restart",
    )


def _sysctls() -> str:
    """sysctl.d(5): systemd's own files may set rp_filter = 2 for every interface by such a pattern, and 2 beats the 1
    of `all`."""
    lines = [f"{_FORWARD[0]} = {_FORWARD[1]}"]
    for folder, settings in _PREFIXES.items():
        for who in ("all", "default", "*"):
            lines += [f"{folder}/{who}/{key} = {value}" for key, value in settings.items()]
    return "\n".join([*lines, ""])


def _journal() -> str:
    return (
        "[Journal]\nStorage=persistent\nSystemMaxUse=1G\nSystemKeepFree=1G\nMaxRetentionSec=30day\nForwardToSyslog=no\n"
    )


def _oneshot(description: str, start: str) -> str:
    return f"""\
[Unit]
Description=Wallcloud: {description}
DefaultDependencies=no
After=systemd-journald.service local-fs.target
Before=shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={start.rstrip()}

[Install]
WantedBy=sysinit.target
"""


def network(place: Place) -> Iterator[Resource]:
    """Every interface, VLAN and route but the address that SSH arrives on; the same as `ip` commands at boot.

    It comes behind the firewall: by it a bare machine gets its first addresses.
    """
    batch: list[str] = []
    yield File(
        path=WIRES,
        content="".join(_wire(place, name, network) for name, network in _networks(place)),
        component="basics",
        reason="the wires that were tried before anything was made on them",
    )
    for card, names in _trunks(place).items():
        # A tagged interface cannot take more bytes than the card below it.
        mtu = max(place.site.networks[name].mtu for name in names)
        batch += [f"link set {card} mtu {mtu}", f"link set {card} up"]
        why = f"carries {', '.join(names)}"
        yield Interface(interface=card, mtu=mtu, managed_addresses=False, component="basics", reason=why)
    # A card comes before what is tagged on it.
    for name, network in sorted(_networks(place), key=lambda each: each[1].vlan is not None):
        yield from _interface(place, name, network, batch)
    yield File(
        path=_BATCH, content="\n".join([*batch, ""]), component="basics", reason="the same network after a reboot"
    )
    yield Unit(
        unit="wallcloud-network.service",
        text=NETWORK_UNIT,
        component="basics",
        reason="interfaces and routes of the design at boot; what is live is kept by its own resources",
    )


NETWORK_UNIT = f"""\
[Unit]
Description=Wallcloud: interfaces and routes of the design
DefaultDependencies=no
Wants=network.target
After=local-fs.target network-pre.target systemd-sysctl.service
Before=network.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
# -force: at a restart everything is there already, which `ip` calls an error.
ExecStart=-/bin/ip -force -batch {_BATCH}

[Install]
WantedBy=multi-user.target
"""


def _networks(place: Place) -> Iterator[tuple[str, Network]]:
    for name in place.site.nodes[place.node].interfaces:
        yield name, place.site.networks[name]


def _wire(place: Place, name: str, network: Network) -> str:
    device = network.device(place.site.nodes[place.node].interfaces[name])
    return f"{name} {device} {network.mtu} {place.plan.address(place.node, name)} {network.gateway}\n"


def _trunks(place: Place) -> dict[str, list[str]]:
    """Card → the networks that are tagged on it, for cards without an untagged network: that one brings its card."""
    on = place.site.nodes[place.node].interfaces
    plain = {on[name] for name, network in _networks(place) if network.vlan is None}
    found: dict[str, list[str]] = {}
    for name, _ in _networks(place):
        if on[name] not in plain:
            found.setdefault(on[name], []).append(name)
    return found


def _interface(place: Place, name: str, network: Network, batch: list[str]) -> Iterator[Resource]:
    parent = place.site.nodes[place.node].interfaces[name]
    device = parent
    ours = network.kind is not Kind.MANAGEMENT
    why = f"the node's leg on {name} ({network.kind})"
    if network.vlan:
        device = f"{parent}.{network.vlan}"
        batch.append(f"link add link {parent} name {device} type vlan id {network.vlan}")
    # A card of a bridge has no address: the bridge has it, or nobody.
    bridged = name in bridges.of(place.site, place.node)
    address = place.plan.interface(place.node, name) if ours and not bridged else None
    addresses = (str(address),) if address else ()
    batch += [f"link set {device} mtu {network.mtu}", f"link set {device} up"]
    batch += [f"addr add {address} dev {device}" for address in addresses]
    yield Interface(
        interface=device,
        link=parent if network.vlan else None,
        vlan=network.vlan,
        addresses=addresses,
        mtu=network.mtu,
        managed_addresses=ours,
        component="basics",
        reason=why,
    )
    for to in _routes(place, network):
        batch.append(f"route replace {to} via {network.gateway} dev {device}")
        yield Route(to=to, via=str(network.gateway), dev=device, component="basics", reason=_route_reason(network))


def _routes(place: Place, network: Network) -> tuple[str, ...]:
    if network.gateway is None:
        return ()
    if network.kind is Kind.MANAGEMENT:
        return tuple(str(prefix) for prefix in place.site.admin_prefixes)
    return ("default",) if network.kind is Kind.PUBLIC else ()


def _route_reason(network: Network) -> str:
    if network.kind is Kind.MANAGEMENT:
        return "answers to admins; management has no default route"
    return "answers to tenants"


def sockets(place: Place) -> Iterator[OwnSocket]:
    """systemd's, journald's and the system bus's. Whom they serve is their programs' to decide, call by call."""
    everyone = "whoever runs on the node logs, reports and asks; what he may is decided call by call"
    for path, why, open_, must in (
        ("/run/systemd/private", "systemctl as root", "", True),
        ("/run/systemd/notify", "services say that they are ready", everyone, True),
        ("/run/systemd/userdb/io.systemd.DynamicUser", "names of accounts that units make", everyone, True),
        ("/run/systemd/io.system.ManagedOOM", "what systemd-oomd would ask", everyone, True),
        ("/run/systemd/journal/dev-log", "logs", everyone, True),
        ("/run/systemd/journal/socket", "logs", everyone, True),
        ("/run/systemd/journal/stdout", "logs of units", everyone, True),
        ("/run/systemd/journal/io.systemd.journal", "journalctl as root", "", True),
        ("/run/udev/control", "udevadm as root", "", False),
    ):
        yield OwnSocket("unix", path, why, everyone=open_, always=must)
    yield OwnSocket(
        "unix",
        "/run/dbus/system_bus_socket",
        "the system bus: systemctl and loginctl",
        account=MESSAGE_BUS,
        systemd=True,
        always=True,
        everyone=everyone,
    )
    if place.facts.virtualization == "systemd-nspawn":
        yield OwnSocket("unix", "/run/host/notify", "the node tells its host that it has booted", account=OUTSIDE)


def private(place: Place) -> Iterator[Private]:
    """The node's own."""
    for path, why in (
        ("/etc/shadow", "passwords"),
        ("/etc/gshadow", "passwords"),
        ("/root", "root's"),
        ("/run/wallcloud/passwords", "digests of passwords that were tried"),
        ("/run/wallcloud/started", "what units were started with"),
        ("/var/log/journal/*/system*.journal", "logs"),
    ):
        yield Private(path, why, ())


COMPONENT = Component(
    name="basics",
    title="node basics",
    roles=EVERY_ROLE,
    account=ROOT,
    packages=("openssl",),
    listens=(
        Listen(
            "ping",
            Kind.MANAGEMENT,
            None,
            protocol="icmp",
            authentication="none: an echo proves nothing",
            encryption="none: an echo says nothing",
            exemption=Exemption("ping", "an echo proves nothing and says nothing", "Wallcloud"),
        ),
    ),
    visits=(Visit(Outside.ADMINS, "ping", "admins see whether the node is there"),),
    sockets=sockets,
    private=private,
    resources=resources,
)
