"""What every node has: folders, names, kernel settings, the network of the design, the journal's limits."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

from wallcloud.catalog import bridges, tls
from wallcloud.catalog.component import EVERY_ROLE, ROOT, Component, Exemption, Listen, Outside, Visit
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, File, Input, Interface, Route, Sysctl, Unit
from wallcloud.node.resources.unit import STAMP_PATH, STAMP_SCRIPT, stamp_lines
from wallcloud.node.secret import Secret
from wallcloud.site.model import Kind, Network

SYSCTLS = {
    # First: a change of it resets accept_redirects and others (ip-sysctl.rst, ip_forward).
    "net.ipv4.ip_forward": "0",
    # Weak host model off: an address answers on its own interface only (ip-sysctl.rst).
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    "net.ipv4.conf.all.rp_filter": "1",
    "net.ipv4.conf.default.rp_filter": "1",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.default.accept_redirects": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    # No node forwards between the site's networks; tenants' routers have namespaces of their own.
    # No network of the site has an IPv6 CIDR on its nodes' interfaces.
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
}

UWSGI_READY = "/usr/lib/wallcloud/uwsgi_ready.py"
_JOURNAL = "/etc/systemd/journald.conf.d/wallcloud.conf"
_BATCH = "/etc/wallcloud/network.batch"
WIRES = "/etc/wallcloud/wires"
"""Also a fact (node/facts.py): where it differs from the design, an apply tries the wires first."""


def resources(place: Place) -> Iterator[Resource]:
    """Everything below the components: nothing here depends on a package of Wallcloud's."""
    for path, why, exclusive in (
        ("/etc/wallcloud", "configuration that Wallcloud writes", True),
        ("/usr/lib/wallcloud", "small programs that units use", True),
        ("/var/lib/wallcloud", "data of services", False),
        (tls.FOLDER, "certificates and the keys that were born here", True),
    ):
        yield Directory(path=path, exclusive=exclusive, component="basics", reason=why)
    yield File(path=tls.CA, content=(Secret(tls.CA_HOLE),), component="basics", reason="whom this node trusts")
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
        content="".join(f"{key} = {value}\n" for key, value in SYSCTLS.items()),
        component="basics",
        reason="the same kernel settings after a reboot",
    )
    for key, value in SYSCTLS.items():
        yield Sysctl(
            key=key, value=value, component="basics", reason="weak host model off, no forwarding, no stray IPv6"
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
    yield from _network(place)


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


def _network(place: Place) -> Iterator[Resource]:
    """Every interface, VLAN and route but the address that SSH arrives on; the same as `ip` commands at boot."""
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
    resources=resources,
)
