"""What the design lets through: flows by who sends and by who is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from wallcloud.catalog.component import KERNEL, ROOT
from wallcloud.design.compile import Design
from wallcloud.design.flows import Flow, Transport
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind

Key = TypeVar("Key")
Port = tuple[str, int]
"""(protocol, port); ICMP's echo request is `("icmp", 0)`."""


@frozen
class Ways:
    """Asked for each of some ten thousand tuples: flows are sorted by what is asked."""

    design: Design
    outward: dict[tuple[str, int], tuple[Flow, ...]]
    """By (node, uid)."""
    inward: dict[str, tuple[Flow, ...]]
    """By node."""

    def leaves(self, node: str, uid: int, address: IPv4Address, port: Port) -> bool:
        """Whether a new packet of an account may leave the node, or come to another account of it."""
        flows = [*self.outward.get((node, uid), ())]
        if uid == ROOT.uid:
            # The kernel's own packets have no account, and root's cannot be told from them (design/firewall.py).
            flows += self.outward.get((node, KERNEL.uid), ())
        return any(
            port_of(flow) == port
            and _within(address, flow.server.prefixes)
            # Peers are reached through the tunnels' bridge; a node's own address is not on that way.
            and not (flow.server.node is None and self._own(node, address))
            for flow in flows
        )

    def _own(self, node: str, address: IPv4Address) -> bool:
        return any(name == node and mine == address for (name, _), mine in self.design.plan.items())

    def enters(self, node: str, network: str, source: IPv4Address, address: IPv4Address, port: Port) -> bool:
        """Whether a new packet from another machine is let into the node, over its interface on that network."""
        if self._answered_over(node, source) != network:
            return False  # rp_filter=1 (RFC 3704, strict): the answer would leave elsewhere
        return any(
            port_of(flow) == port
            and flow.network == network
            and flow.client.node != node
            and flow.server.prefixes[0] == str(address)
            and (not flow.client.prefixes or _within(source, flow.client.prefixes))
            for flow in self.inward.get(node, ())
        )

    def _answered_over(self, node: str, source: IPv4Address) -> str | None:
        """The network over which the node would answer: a connected one, management for admins, public for all else."""
        site, plan = self.design.site, self.design.plan
        here = [name for name in site.networks if plan.address(node, name) is not None]
        for name in here:
            if source in site.networks[name].cidr:
                return name
        wanted = Kind.MANAGEMENT if any(source in prefix for prefix in site.admin_prefixes) else Kind.PUBLIC
        return next((name for name in here if site.networks[name].kind is wanted), None)


def ways(design: Design) -> Ways:
    """The flows of a design, sorted."""
    outward: dict[tuple[str, int], list[Flow]] = defaultdict(list)
    inward: dict[str, list[Flow]] = defaultdict(list)
    for flow in design.flows:
        if flow.transport is Transport.UNIX:
            continue
        if flow.client.node and flow.client.account:
            outward[flow.client.node, flow.client.account.uid].append(flow)
        if flow.server.node and flow.transport is Transport.NETWORK:
            inward[flow.server.node].append(flow)
    return Ways(design, _frozen(outward), _frozen(inward))


def port_of(flow: Flow) -> Port:
    """What a flow is asked at."""
    return flow.protocol, flow.port or 0


def declared(design: Design) -> tuple[Port, ...]:
    """Every port of the design's, ICMP among them."""
    found = {port_of(flow) for flow in design.flows if flow.transport is not Transport.UNIX}
    return tuple(sorted({*found, ("icmp", 0)}))


def _within(address: IPv4Address, prefixes: Iterable[str]) -> bool:
    return any(address in IPv4Network(prefix) for prefix in prefixes)


def _frozen(found: dict[Key, list[Flow]]) -> dict[Key, tuple[Flow, ...]]:
    return {key: tuple(flows) for key, flows in found.items()}
