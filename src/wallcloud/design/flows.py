"""Flows: every allowed conversation, derived from what components declare. Nothing else passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum

from wallcloud.catalog.component import Account, Call, Component, Exemption, Listen, Outside
from wallcloud.frozen import frozen
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


class Transport(StrEnum):
    """How a flow travels."""

    NETWORK = "network"
    LOOPBACK = "loopback"
    UNIX = "unix socket"


@frozen
class End:
    """One end of a flow: a component on a node, or somebody outside (`node` is None)."""

    who: str
    node: str | None
    prefixes: tuple[str, ...]
    """Addresses or CIDRs of this end; empty for anybody, and on unix sockets."""
    account: Account | None = None

    def __str__(self) -> str:
        return f"{self.who} @ {self.node}" if self.node else self.who


@frozen
class Flow:
    """client component @ node → server component @ node : protocol/port on a network."""

    client: End
    server: End
    transport: Transport
    network: str | None
    """The site network's name; None on the node itself."""
    protocol: str
    port: int | None
    path: str | None
    authentication: str
    encryption: str
    why: str
    exemption: Exemption | None = None

    @property
    def where(self) -> str:
        """`tcp/443`, `icmp`, or the socket's path."""
        if self.path:
            return self.path
        return f"{self.protocol}/{self.port}" if self.port else self.protocol


class FlowError(Exception):
    """A component's declaration cannot become a flow. It is a mistake in the catalog, not in the site."""


def derive(
    site: Site, plan: AddressPlan, placed: Mapping[str, tuple[str, ...]], catalog: Mapping[str, Component]
) -> tuple[Flow, ...]:
    """All flows of a site. `placed` gives the nodes of each component. Raises FlowError."""
    flows: list[Flow] = []
    servers = Servers(site, placed, catalog)
    for name, nodes in placed.items():
        component = catalog[name]
        for node in nodes:
            flows.extend(_calls(site, plan, servers, catalog, component, node))
            flows.extend(_visits(site, plan, component, node))
            flows.extend(_needs(site, plan, component, node))
    for flow in flows:
        if flow.exemption is None and flow.transport is not Transport.UNIX and not is_protected(flow):
            raise FlowError(f"{flow.client} → {flow.server} {flow.where} has no protection and is no named exception")
    return tuple(sorted(flows, key=lambda f: (str(f.server), f.where, str(f.client), f.why)))


def is_protected(flow: Flow) -> bool:
    """Whether both ends are known and nobody else can read it. "none: …" says why not, and is a no."""
    return not any(text == "" or text.startswith("none") for text in (flow.authentication, flow.encryption))


class Servers:
    """Where calls go. It is asked for every client's node, so what depends on the server alone is found once."""

    def __init__(self, site: Site, placed: Mapping[str, tuple[str, ...]], catalog: Mapping[str, Component]) -> None:
        self._site = site
        self._placed = placed
        self._catalog = catalog
        self._found: dict[tuple[str, str], dict[str, None]] = {}

    def of(self, client: Component, call: Call, node: str) -> tuple[str, ...]:
        """The nodes that a call from `node` goes to. Raises FlowError for a call of what is not in the catalog.

        What stays within goes to its own node; a call over the network to every server, also to one beside it, except
        that a component's peers are the others.
        """
        listening = self._listening(client, call)
        if call.same_node or self._catalog[str(call.to)].listen(call.listen).network is None:
            return (node,) if node in listening else ()
        return tuple(server for server in listening if server != node or call.to != client.name)

    def nodes(self, name: str) -> tuple[str, ...]:
        """The nodes of a component, none where the site has none of them."""
        return self._placed.get(name, ())

    def _listening(self, client: Component, call: Call) -> dict[str, None]:
        key = (str(call.to), call.listen)
        if key not in self._found:
            server = self._catalog.get(str(call.to))
            if isinstance(call.to, Outside):
                raise FlowError(f"{client.name} calls {call.to}: declare it in needs")
            if server is None:
                raise FlowError(f"{client.name} calls {call.to}, which is not in the catalog")
            try:
                roles = set(server.listen(call.listen).roles)
            except KeyError as error:
                raise FlowError(
                    f"{client.name} calls {call.listen} of {call.to}, which has no such listener"
                ) from error
            nodes = self._placed.get(server.name, ())
            self._found[key] = {node: None for node in nodes if roles & set(self._site.nodes[node].roles)}
        return self._found[key]


def network_of(site: Site, kind: Kind) -> str | None:
    """The name of the site's network of that kind, where it has one."""
    return next((name for name, network in site.networks.items() if network.kind is kind), None)


def _address(site: Site, plan: AddressPlan, node: str, kind: Kind) -> str | None:
    network = network_of(site, kind)
    address = plan.address(node, network) if network else None
    return str(address) if address else None


def _calls(
    site: Site,
    plan: AddressPlan,
    servers: Servers,
    catalog: Mapping[str, Component],
    component: Component,
    node: str,
) -> Iterator[Flow]:
    for call in component.calls:
        if call.neighbours:
            yield from _neighbours(site, plan, component, node, call, component.listen(call.listen))
            continue
        for server_node in servers.of(component, call, node):
            server = catalog[str(call.to)]
            yield _call_flow(site, plan, component, node, server, server_node, call, server.listen(call.listen))


def _neighbours(
    site: Site, plan: AddressPlan, component: Component, node: str, call: Call, listen: Listen
) -> Iterator[Flow]:
    """A component's peers: whoever is on that network, as one flow out and one in.

    Named one by one they would be as many as the square of the nodes, and every new node would change all others.
    """
    name = network_of(site, listen.network) if listen.network else None
    address = _address(site, plan, node, listen.network) if listen.network else None
    if name is None or address is None:
        raise FlowError(f"{component.name} @ {node}: no address on {listen.network}")
    own = End(component.name, node, (address,), component.account)
    peers = End(f"{component.name} of others", None, (str(site.networks[name].cidr),))
    for client, server in ((replace(own, account=call.account or component.account), peers), (peers, own)):
        yield Flow(
            client,
            server,
            Transport.NETWORK,
            name,
            listen.protocol,
            listen.port,
            None,
            listen.authentication,
            listen.encryption,
            call.why,
            listen.exemption,
        )


def _call_flow(
    site: Site,
    plan: AddressPlan,
    component: Component,
    node: str,
    server: Component,
    server_node: str,
    call: Call,
    listen: Listen,
) -> Flow:
    account = call.account or component.account
    common = {
        "authentication": listen.authentication,
        "encryption": listen.encryption,
        "why": call.why,
        "exemption": listen.exemption,
    }
    if listen.network is None:
        loopback = () if listen.path else ("127.0.0.1",)
        return Flow(
            End(component.name, node, loopback, account),
            End(server.name, server_node, loopback, server.account),
            Transport.UNIX if listen.path else Transport.LOOPBACK,
            None,
            listen.protocol,
            listen.port,
            listen.path,
            **common,  # type: ignore[arg-type]
        )
    client_address = _address(site, plan, node, listen.network)
    server_address = _address(site, plan, server_node, listen.network)
    if client_address is None or server_address is None:
        raise FlowError(f"{component.name} @ {node} → {server.name} @ {server_node}: no address on {listen.network}")
    return Flow(
        End(component.name, node, (client_address,), account),
        End(server.name, server_node, (server_address,), server.account),
        Transport.NETWORK,
        network_of(site, listen.network),
        listen.protocol,
        listen.port,
        None,
        **common,  # type: ignore[arg-type]
    )


def _visits(site: Site, plan: AddressPlan, component: Component, node: str) -> Iterator[Flow]:
    for visit in component.visits:
        listen = component.listen(visit.listen)
        if listen.network is None:
            raise FlowError(f"{component.name}: nobody outside reaches {listen.name} on the node itself")
        address = _address(site, plan, node, listen.network)
        if address is None:
            raise FlowError(f"{component.name} @ {node} has no address on {listen.network}")
        prefixes = tuple(str(prefix) for prefix in site.admin_prefixes) if visit.who is Outside.ADMINS else ()
        yield Flow(
            End(str(visit.who), None, prefixes),
            End(component.name, node, (address,), component.account),
            Transport.NETWORK,
            network_of(site, listen.network),
            listen.protocol,
            listen.port,
            None,
            listen.authentication,
            listen.encryption,
            visit.why,
            listen.exemption,
        )


def _needs(site: Site, plan: AddressPlan, component: Component, node: str) -> Iterator[Flow]:
    for need in component.needs:
        if not set(need.roles) & set(site.nodes[node].roles):
            continue
        address = _address(site, plan, node, need.network)
        if address is None:
            raise FlowError(f"{component.name} @ {node} has no address on {need.network}")
        if need.who is not Outside.TIME_SERVERS:
            raise FlowError(f"{component.name} needs {need.who}, whose addresses the site does not say")
        yield Flow(
            End(component.name, node, (address,), component.account),
            End(str(need.who), None, tuple(str(server) for server in site.time.servers)),
            Transport.NETWORK,
            network_of(site, need.network),
            need.protocol,
            need.port,
            None,
            need.authentication,
            need.encryption,
            need.why,
            need.exemption,
        )
