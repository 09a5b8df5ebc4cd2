"""chrony: the control node asks the site's time servers, every other node asks control over NTS (RFC 8915)."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import tls
from wallcloud.catalog.component import (
    EVERY_ROLE,
    ROOT,
    Account,
    Call,
    Component,
    Exemption,
    Listen,
    Outside,
    OutsideService,
    OwnSocket,
    Private,
)
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File
from wallcloud.site.model import Kind, Role

ACCOUNT = Account("_chrony", 614, home="/var/lib/chrony")
CONFIG = "/etc/wallcloud/chrony.conf"
SOCKET = "/run/chrony/chronyd.sock"

TIME_IS_PUBLIC = Exemption("time", "the time is no secret; NTS authenticates it", "Wallcloud")
PLAIN_NTP = Exemption(
    "time-source", "the declared time servers speak NTP; name servers with NTS to end this exception", "site operator"
)


def resources(place: Place) -> Iterator[Resource]:
    """Configuration, control's certificate, the unit."""
    serving = Role.CONTROL in place.roles
    paths = tls.paths(place, "chrony")
    if serving:
        yield tls.server_certificate(
            place, "chrony", reason="proves control to the nodes that ask it for the time (NTS)"
        )
    yield File(path=CONFIG, content=_config(place, paths), component="chrony", reason="where the time comes from")
    capability = "CAP_SYS_TIME CAP_NET_BIND_SERVICE" if place.facts.clock.adjustable else "CAP_NET_BIND_SERVICE"
    shared_clock = "" if place.facts.clock.adjustable else " -x"
    yield service(
        place,
        description="the clock (chrony)",
        start=f"/usr/sbin/chronyd -4 -d -U{shared_clock} -u _chrony -f {CONFIG}",
        restart_on=(CONFIG, *((paths.certificate, paths.key) if serving else (tls.CA,))),
        ready=("/usr/bin/chronyc", "-h", SOCKET, "tracking"),
        lines=(
            "RuntimeDirectory=chrony",
            "RuntimeDirectoryMode=0750",
            "StateDirectory=chrony",
            "StateDirectoryMode=0750",
            f"AmbientCapabilities={capability}",
            f"CapabilityBoundingSet={capability}",
            *(("ProtectClock=no", "PrivateDevices=no") if place.facts.clock.adjustable else ()),
        ),
    )


def _config(place: Place, paths: tls.Paths) -> str:
    lines = [
        "driftfile /var/lib/chrony/drift",
        "ntsdumpdir /var/lib/chrony",
        "cmdport 0",
        f"bindcmdaddress {SOCKET}",
        "makestep 1 3",
        f"bindacqaddress {place.address(Kind.MANAGEMENT)}",
    ]
    if Role.CONTROL in place.roles:
        _, management = place.network(Kind.MANAGEMENT)
        lines += [f"server {server} iburst" for server in place.site.time.servers]
        lines += [
            # The nodes agree with each other even while the time servers cannot be reached.
            "local stratum 10",
            f"bindaddress {place.address(Kind.MANAGEMENT)}",
            f"allow {management.cidr}",
            f"ntsserverkey {paths.key}",
            f"ntsservercert {paths.certificate}",
        ]
    else:
        lines += [
            f"ntstrustedcerts {tls.CA}",
            # A clock that is years off must not keep the node from the server that would mend it.
            "nocerttimecheck 1",
            f"server {place.internal_name(place.control())} iburst nts",
        ]
    return "\n".join([*lines, ""])


def sockets(place: Place) -> Iterator[OwnSocket]:
    """Where chronyc asks, and what it asks from."""
    yield OwnSocket("unix", SOCKET, "chronyc as root, or as its own account", always=True)
    yield OwnSocket("unix", "/run/chrony/chronyc.*.sock", "chronyc takes its answer", account=ROOT)


def private(place: Place) -> Iterator[Private]:
    """NTS cookies and keys."""
    yield Private("/var/lib/chrony", "keys that authenticate the time", (ACCOUNT,))


COMPONENT = Component(
    name="chrony",
    title="chrony",
    roles=EVERY_ROLE,
    account=ACCOUNT,
    packages=("chrony",),
    masks=("chrony.service", "chrony-wait.service", "systemd-timesyncd.service"),
    listens=(
        Listen(
            "ntp",
            Kind.MANAGEMENT,
            123,
            protocol="udp",
            authentication="NTS (RFC 8915)",
            encryption="none",
            exemption=TIME_IS_PUBLIC,
            roles=(Role.CONTROL,),
        ),
        Listen(
            "nts-ke",
            Kind.MANAGEMENT,
            4460,
            authentication="TLS, the site's CA",
            encryption="TLS 1.3",
            roles=(Role.CONTROL,),
        ),
    ),
    calls=(
        Call("chrony", "ntp", "the node's clock follows control's"),
        Call("chrony", "nts-ke", "keys that authenticate the time", waits=True),
    ),
    needs=(
        OutsideService(
            Outside.TIME_SERVERS,
            Kind.MANAGEMENT,
            "udp",
            123,
            "the site's time",
            authentication="none",
            encryption="none",
            exemption=PLAIN_NTP,
            roles=(Role.CONTROL,),
        ),
    ),
    sockets=sockets,
    private=private,
    resources=resources,
)
