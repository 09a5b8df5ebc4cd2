"""The nftables ruleset of a node, from its flows only: default drop, in, out and forward.

Connection state is matched first, because RST, ICMP errors and TIME_WAIT answers carry no uid; a *new* connection
leaves only for the account that declared it, on loopback too (nft(8), `meta skuid`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Network

from wallcloud.catalog import bridges
from wallcloud.catalog.component import KERNEL
from wallcloud.design.flows import Flow, Transport
from wallcloud.site.model import Kind, Site

TABLE = "wallcloud"
_PING = "icmp type echo-request"
_ERRORS = "icmp type { destination-unreachable, time-exceeded, parameter-problem }"
"""What may be related to a conversation. Not redirects, which would move it past the wall, nor what helpers expect."""


def nic(site: Site, node: str, network: str) -> str:
    """The interface where a node's address on a network is: its NIC, the VLAN on it, or the tunnels' bridge."""
    if site.networks[network].kind is Kind.OVERLAY and network in (bridged := bridges.of(site, node)):
        return bridged[network]
    return site.networks[network].device(site.nodes[node].interfaces[network])


def ruleset(site: Site, node: str, flows: Iterable[Flow]) -> str:
    """The text of `table inet wallcloud` for a node. `flows` may be all of the site's: only this node's count."""
    inward, outward = _collect(site, node, flows)
    return "\n".join(
        [
            f"table inet {TABLE} {{",
            *_chain("input", ['iifname "lo" accept', *inward]),
            *_chain("output", outward),
            *_chain("forward", None),
            "}",
            "",
        ]
    )


def _collect(site: Site, node: str, flows: Iterable[Flow]) -> tuple[list[str], list[str]]:
    sources: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    targets: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for flow in flows:
        if flow.transport is Transport.UNIX:
            continue
        port = _PING if flow.protocol == "icmp" else f"{flow.protocol} dport {flow.port}"
        local = flow.client.node == flow.server.node
        if flow.server.node == node and not local and flow.network:
            key = (nic(site, node, flow.network), flow.server.prefixes[0], port)
            sources[key] |= set(flow.client.prefixes) or {"0.0.0.0/0"}
        if flow.client.node == node and flow.client.account:
            out = "lo" if local or not flow.network else nic(site, node, flow.network)
            targets[(out, port, flow.client.account.uid)] |= set(flow.server.prefixes)
    inward = [
        f'iifname "{interface}" ip saddr {_set(addresses)} ip daddr {own} {port} ct state new accept'
        for (interface, own, port), addresses in sorted(sources.items())
    ]
    outward = [
        rule
        for (interface, port, uid), addresses in sorted(targets.items())
        for rule in _leaving(f'oifname "{interface}" ip daddr {_set(addresses)} {port}', uid)
    ]
    return inward, outward


def _leaving(head: str, uid: int) -> list[str]:
    if uid != KERNEL.uid:
        return [f"{head} meta skuid {uid} ct state new accept"]
    # What the kernel sends of its own has no socket, so no account to be named (a rule with skuid does not match it),
    # or that of a tap which root opened. What an account sends in its name is dropped first.
    return [f"{head} meta skuid != 0 counter drop", f"{head} ct state new accept"]


def _set(addresses: set[str]) -> str:
    """In order of numbers, and without what another one holds: nft refuses sets with overlaps."""
    kept: list[IPv4Network] = []
    for network in sorted(IPv4Network(address) for address in addresses):
        if not kept or not network.subnet_of(kept[-1]):
            kept.append(network)
    texts = [str(each.network_address) if each.prefixlen == 32 else str(each) for each in kept]
    return texts[0] if len(texts) == 1 else "{ " + ", ".join(texts) + " }"


def _chain(hook: str, accepts: list[str] | None) -> list[str]:
    known = ["ct state established accept", f"ct state related {_ERRORS} accept", "ct state invalid counter drop"]
    state = known if accepts is not None else []
    rules = [*state, *(accepts or []), f'limit rate 5/second log prefix "wallcloud {hook} drop: "', "counter drop"]
    return [
        f"\tchain {hook} {{",
        f"\t\ttype filter hook {hook} priority filter; policy drop;",
        *(f"\t\t{rule}" for rule in rules),
        "\t}",
    ]
