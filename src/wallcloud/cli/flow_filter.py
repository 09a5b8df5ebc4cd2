"""Which flows somebody asks for: by node, component, network, port, and from whom to whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from wallcloud.catalog.component import Outside
from wallcloud.cli.face import WrongUse, known
from wallcloud.design.compile import Design
from wallcloud.design.flows import End, Flow, Transport
from wallcloud.frozen import frozen

_PORT = re.compile(r"(?:(tcp|udp)/)?(\d{1,5})|(tcp|udp|icmp)")
ON_THE_NODE = {"loopback": Transport.LOOPBACK, "unix": Transport.UNIX}
"""What --network takes beside the site's networks."""
Side = Callable[[Flow, End], bool]
"""Whether an end of a flow is who was asked for."""


@frozen
class Asked:
    """As it was said on the command line. Of several values of one kind any may hold; all kinds must."""

    nodes: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    exceptions: bool = False

    def words(self) -> str:
        """The options as they were given; empty where nothing was asked for in particular."""
        said = (
            ("--node", self.nodes),
            ("--component", self.components),
            ("--network", self.networks),
            ("--port", self.ports),
            ("--from", self.sources),
            ("--to", self.targets),
        )
        found = [f"{option} {f'{value!r}' if ' ' in value else value}" for option, values in said for value in values]
        return " ".join([*found, *(["--exceptions"] if self.exceptions else [])])


def chosen(design: Design, asked: Asked, site_file: Path) -> tuple[Flow, ...]:
    """The flows that were asked for, in the design's order. Raises WrongUse for names that nothing has."""
    known(design.site.nodes, asked.nodes, "node", site_file)
    known(design.placed, asked.components, "component", site_file)
    known((*design.site.networks, *ON_THE_NODE), asked.networks, "network", site_file)
    ports = [_port(word, site_file) for word in asked.ports]
    sources = [_side(design, word, site_file) for word in asked.sources]
    targets = [_side(design, word, site_file) for word in asked.targets]

    def wanted(flow: Flow) -> Iterator[bool]:
        ends = (flow.client, flow.server)
        yield not asked.nodes or any(end.node in asked.nodes for end in ends)
        yield not asked.components or any(end.who in asked.components for end in ends)
        yield not asked.networks or any(_rides(flow, name) for name in asked.networks)
        yield not ports or any(_same_port(flow, protocol, port) for protocol, port in ports)
        yield not sources or any(side(flow, flow.client) for side in sources)
        yield not targets or any(side(flow, flow.server) for side in targets)
        yield not asked.exceptions or flow.exemption is not None

    return tuple(flow for flow in design.flows if all(wanted(flow)))


def _rides(flow: Flow, network: str) -> bool:
    return flow.network == network or (flow.network is None and flow.transport is ON_THE_NODE.get(network))


def _port(word: str, site_file: Path) -> tuple[str | None, int | None]:
    found = _PORT.fullmatch(word)
    number = int(found[2]) if found and found[2] else None
    if not found or (number is not None and not 0 < number < 65536):
        raise WrongUse(f"{word} is no port", where=str(site_file), hint="like 443, udp/123, udp or icmp")
    return found[1] or found[3], number


def _same_port(flow: Flow, protocol: str | None, port: int | None) -> bool:
    if flow.path:
        return False
    return protocol in (None, flow.protocol) and port in (None, flow.port)


def _side(design: Design, word: str, site_file: Path) -> Side:
    """Who is meant: `compute1`, `nova-api`, `nova-api@control`, `tenants`, an address or a prefix."""
    try:
        prefix = ip_network(word)
    except ValueError:
        pass
    else:
        if not isinstance(prefix, IPv4Network):
            raise WrongUse(f"{word}: flows are IPv4", where=str(site_file), hint="like 198.18.1.7 or 198.18.1.0/24")
        return lambda flow, end: flow.transport is Transport.NETWORK and _holds(end, prefix)
    component, at, node = word.partition("@")
    if at:
        known(design.placed, [component], "component", site_file)
        known(design.site.nodes, [node], "node", site_file)
        return lambda flow, end: _is(end, component) and _stands(design, flow, end, node)
    known((*design.site.nodes, *Outside, *design.placed), [word], "node or component", site_file)
    # A node and a component may share a name: both are meant then, and the answer shows which is which.
    return lambda flow, end: _is(end, word) or (word in design.site.nodes and _stands(design, flow, end, word))


def _is(end: End, component: str) -> bool:
    return end.who in (component, f"{component} of others")


def _stands(design: Design, flow: Flow, end: End, node: str) -> bool:
    """Whether an end is on a node: named so, or one of the peers that are named by their network alone."""
    if end.node is not None:
        return end.node == node
    address = design.plan.address(node, flow.network) if flow.network else None
    other = flow.server if end is flow.client else flow.client
    return address is not None and other.node != node and bool(end.prefixes) and _holds(end, IPv4Network(address))


def _holds(end: End, prefix: IPv4Network) -> bool:
    """Whether an end has an address of that prefix; nobody in particular has any."""
    if end.node is None and not end.prefixes:
        return True
    return any(IPv4Network(each).overlaps(prefix) for each in end.prefixes)
