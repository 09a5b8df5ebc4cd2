"""What is wrong with a host by itself: its system, clock, name, disk, memory, KVM, and who listens on our ports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from wallcloud.deploy.preflight.report import Report, Socket
from wallcloud.deploy.preflight.words import Fault
from wallcloud.design import virtual
from wallcloud.design.flows import Flow, Transport
from wallcloud.site.model import Role, Site

SYSTEMS = {"2026.2": ("debian", "12")}
"""Release → the distribution whose packages `build` takes (build/release)."""
ARCHITECTURE = "x86_64"
CLOCK_SECONDS = 5.0
"""More than a slow session explains. chrony mends it, but certificates and tokens are judged before it has."""
MEMORY_MIB = {Role.CONTROL: 4096, Role.API: 512, Role.NETWORK: 2048, Role.COMPUTE: 2048}
"""What the role's programs take with a few tenants (docs/benchmarks.md), and half as much again."""
DISK_MIB = 6144
"""The environment's image and the packages, each while they are shipped and when they are there, and journals."""
ROOM_MIB = 1024
"""Of a node that has all that already."""
_EVERYWHERE = {"*", "0.0.0.0", "::"}  # noqa: S104 - read, not bound
_OURS = ("wallcloud-", "ssh.", "sshd")


def faults(site: Site, flows: tuple[Flow, ...], reports: Mapping[str, Report]) -> Iterator[Fault]:
    """All of all hosts, in the order of the site's nodes."""
    ports = _ports(flows)
    for node, report in reports.items():
        yield from _system(site, node, report)
        yield from _name(site, node, report)
        yield from _clock(node, report)
        yield from _room(site, node, report)
        yield from _kvm(site, node, report)
        yield from _sockets(node, report, ports[node])
    yield from _twins(reports)
    for node, text in virtual.virtual_hosts(site, {node: it.host.virtualization for node, it in reports.items()}):
        yield Fault(virtual.ID, node, text, virtual.MEND, "warning")


def _system(site: Site, node: str, report: Report) -> Iterator[Fault]:
    found, wanted = report.host.distribution, SYSTEMS[site.release]
    if found and (found.id, found.version) != wanted:
        is_now, shall = f"{found.id} {found.version}".strip() or "unknown", " ".join(wanted)
        yield Fault("distribution", node, f"runs {is_now}; the packages are those of {shall}", f"install {shall} on it")
    if report.host.architecture not in (None, ARCHITECTURE):
        text = f"is a machine of {report.host.architecture}; the environment is built for {ARCHITECTURE}"
        yield Fault("architecture", node, text, f"take a host of {ARCHITECTURE}")
    if report.heard.apt:
        pid, program = report.heard.apt
        text = f"{program} (process {pid}) is at work on its packages"
        yield Fault("apt-busy", node, text, "let it end; unattended-upgrades may be switched off for good", "warning")


def _name(site: Site, node: str, report: Report) -> Iterator[Fault]:
    name = (report.host.hostname or "").partition(".")[0]
    if name != node and name in site.nodes:
        text = f'answers as "{name}", which is another node of the site'
        yield Fault("name", node, text, f"do `ssh:` or the addresses of {node} and {name} stand the wrong way round?")


def _clock(node: str, report: Report) -> Iterator[Fault]:
    if report.ahead is not None and abs(report.ahead) > CLOCK_SECONDS:
        way = "ahead of" if report.ahead > 0 else "behind"
        text = f"its clock is {_duration(abs(report.ahead))} {way} this computer's"
        yield Fault("clock", node, text, "set it (date --set=…), and look whether this computer's own is right")


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _room(site: Site, node: str, report: Report) -> Iterator[Fault]:
    needed = max(MEMORY_MIB[role] for role in site.nodes[node].roles)
    memory = report.host.memory_mib
    if memory is not None and memory < needed:
        roles = " and ".join(map(str, site.nodes[node].roles))
        yield Fault("memory", node, f"has {memory} MiB of memory; {roles} takes {needed}", "give it more memory")
    wanted = ROOM_MIB if report.heard.settled else DISK_MIB
    for path, free in report.heard.free_mib.items():
        if path != site.image_store.path and free < wanted:
            yield Fault("disk", node, f"has {free} MiB free in {path}; {wanted} are needed", "df -h there; make room")
    store, quota = report.heard.free_mib.get(site.image_store.path), site.image_store.quota_gib << 10
    if store is not None and store < quota and not report.heard.settled:
        text = f"has {store >> 10} GiB free for images in {site.image_store.path}; the quota is {quota >> 10} GiB"
        mend = "give the image store a file system of its own, or a smaller quota"
        yield Fault("image-store", node, text, mend, "warning", ("image_store", "quota_gib"))


def _kvm(site: Site, node: str, report: Report) -> Iterator[Fault]:
    if Role.COMPUTE in site.nodes[node].roles and report.host.kvm is False:
        text = f"KVM runs no guest: {report.host.kvm_reason or 'nobody knows why'}; VMs are emulated, many times slower"
        yield Fault(
            "kvm", node, text, "switch virtualization on in the firmware, or nested in its hypervisor", "warning"
        )


def _ports(flows: tuple[Flow, ...]) -> dict[str, dict[tuple[str, int], tuple[str, frozenset[str]]]]:
    """Node → (protocol, port) → the component that will listen there, and on which addresses."""
    found: dict[str, dict[tuple[str, int], tuple[str, frozenset[str]]]] = defaultdict(dict)
    for flow in flows:
        node = flow.server.node
        if node and flow.port and flow.transport is not Transport.UNIX:
            before = found[node].get((flow.protocol, flow.port), ("", frozenset()))[1]
            found[node][flow.protocol, flow.port] = (flow.server.who, before | {*flow.server.prefixes})
    return found


def _sockets(node: str, report: Report, ports: Mapping[tuple[str, int], tuple[str, frozenset[str]]]) -> Iterator[Fault]:
    for socket in report.heard.sockets:
        component, addresses = ports.get((socket.protocol, socket.port), ("", frozenset()))
        if not component or socket.unit.startswith(_OURS):
            continue
        if socket.address in addresses | _EVERYWHERE:
            who = _who(socket)
            text = f"{who} listens on {socket.protocol}/{socket.port}, which is {component}'s"
            mend = f"systemctl disable --now {socket.unit}" if socket.unit.endswith(".service") else "take it away"
            yield Fault("port-taken", node, text, mend)


def _who(socket: Socket) -> str:
    program = socket.program or "another program"
    return f"{program} ({socket.unit})" if socket.unit else program


def _twins(reports: Mapping[str, Report]) -> Iterator[Fault]:
    """Two names for one machine: each would undo what the other does."""
    first: dict[str, str] = {}
    for node, report in reports.items():
        others = {first[each.mac] for each in (report.host.interfaces or {}).values() if each.mac in first}
        for other in sorted(others):
            mend = f"say for each its own address, or `ssh:` its own host: {other}, {node}"
            yield Fault("same-machine", node, f"is the same machine as {other}: they have the same MAC addresses", mend)
        first |= {each.mac: node for each in (report.host.interfaces or {}).values() if each.mac.strip("0:")}
