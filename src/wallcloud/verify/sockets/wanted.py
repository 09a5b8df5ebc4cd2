"""What may hear on a node: its components' listeners and their own sockets, as the design says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from wallcloud.catalog.component import KERNEL, ROOT, Listen, OwnSocket
from wallcloud.catalog.place import Place
from wallcloud.design.compile import Design
from wallcloud.design.flows import network_of
from wallcloud.frozen import frozen
from wallcloud.node.resources import Unit

ANY = ("0.0.0.0", "[::]")  # noqa: S104 - what a socket is that is bound to every address
_LOOPBACK = "127.0.0.1"
_ACCEPTED = re.compile(r"^Listen(?:Stream|Datagram)=(.+)$", re.MULTILINE)


@frozen
class Wanted:
    """One thing that hears. `at` is a pattern as in OwnSocket, or the one place of a listener."""

    kind: str
    at: str
    holder: str
    """The account that its processes run as."""
    component: str
    why: str
    must: bool
    """It is there, else it may be."""
    listener: bool = False
    systemd: bool = False
    """systemd made it and has it open, too."""
    given_up: bool = False
    units: str = "*"
    space: str = ""
    everywhere: str = ""

    def holds(self, kind: str, at: str, space: str) -> bool:
        """Whether it says of a socket of this kind at this place that it may be there."""
        if kind != self.kind or (not (kind == "unix" and at.startswith("/")) and not fnmatchcase(space, self.space)):
            return False
        if self.everywhere and at.rpartition(":")[0] in ANY:
            return at.rpartition(":")[2] == self.at.rpartition(":")[2]
        # A path is itself, whatever is in it; patterns are of own sockets only.
        return at == self.at or (not self.listener and fnmatchcase(at, self.at.replace("[", "[[]")))


def wanted(design: Design, node: str) -> tuple[Wanted, ...]:
    """Of one node, in the order of its components."""
    activated = {
        found
        for resource in design.specs[node].resources
        if isinstance(resource, Unit) and resource.unit.endswith(".socket")
        for found in _ACCEPTED.findall(resource.text)
    }
    return tuple(each for place in design.places[node] for each in _of(design, place, activated))


def _of(design: Design, place: Place, activated: set[str]) -> Iterator[Wanted]:
    component, roles = place.component, set(place.roles)
    for listen in component.listens:
        at = _where(design, place, listen)
        if listen.network is not None and not _asked(design, place, listen):
            continue
        if at and roles & set(listen.roles) and not listen.switched:
            yield Wanted(
                "unix" if listen.path else listen.protocol,
                at,
                component.account.name,
                component.name,
                f"{component.title}: {listen.name}",
                must=True,
                listener=True,
                systemd=at in activated,
                everywhere=listen.everywhere,
            )
    for own in component.sockets(place):
        yield _own(place, own, activated)


def _asked(design: Design, place: Place, listen: Listen) -> bool:
    """Whether a flow leads there: a door for others is not there where a site has none of them."""
    return any(
        flow.server.node == place.node and (flow.protocol, flow.port) == (listen.protocol, listen.port)
        for flow in design.flows
    )


def _own(place: Place, own: OwnSocket, activated: set[str]) -> Wanted:
    account = own.account or place.component.account
    return Wanted(
        own.kind,
        own.at,
        account.name,
        place.component.name,
        f"{place.component.title}: {own.why}",
        must=own.always,
        systemd=own.systemd or own.at in activated,
        given_up=own.given_up,
        units=own.units,
        space=own.space,
    )


def _where(design: Design, place: Place, listen: Listen) -> str | None:
    """The path, or ADDRESS:PORT; None for what no socket hears (an echo), and without a leg on that network."""
    if listen.path or listen.port is None:
        return listen.path
    if listen.network is None:
        return f"{_LOOPBACK}:{listen.port}"
    name = network_of(design.site, listen.network)
    address = design.plan.address(place.node, name) if name else None
    return f"{address}:{listen.port}" if address else None


@frozen
class Client:
    """Whom an account may ask by connected datagrams: a flow of the design."""

    account: str
    prefixes: tuple[str, ...]
    port: int


def clients(design: Design, node: str) -> tuple[Client, ...]:
    """The flows over UDP that leave a node."""
    return tuple(
        Client((flow.client.account or ROOT).name, flow.server.prefixes, flow.port)
        for flow in design.flows
        if flow.client.node == node and flow.protocol == "udp" and flow.port and flow.client.account != KERNEL
    )
