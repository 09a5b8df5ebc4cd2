"""The communication matrix for machines (`--json`) and for documents (`--markdown`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wallcloud.catalog.component import Exemption
from wallcloud.design.compile import Design
from wallcloud.design.flows import End, Flow, Transport

_COLUMNS = ("client", "account", "server", "port", "authentication", "encryption", "reason", "exception")


def plain(flow: Flow) -> dict[str, Any]:
    """A flow as plain data; `addresses` are addresses and prefixes, empty for anybody."""
    exemption = flow.exemption
    return {
        "client": _end(flow.client),
        "server": _end(flow.server),
        "transport": str(flow.transport),
        "network": flow.network,
        "protocol": None if flow.path else flow.protocol,
        "port": flow.port,
        "path": flow.path,
        "authentication": flow.authentication,
        "encryption": flow.encryption,
        "reason": flow.why,
        "exception": exemption and {"name": exemption.name, "reason": exemption.reason, "owner": exemption.owner},
    }


def _end(end: End) -> dict[str, Any]:
    return {
        "component": end.who,
        "node": end.node,
        "addresses": list(end.prefixes),
        "account": end.account.name if end.account else None,
    }


def markdown(design: Design, flows: Sequence[Flow], asked: str) -> Iterator[str]:
    """Lines of a document: tables of each network, of what stays on a node, of the exceptions and the addresses."""
    yield f"# Communication matrix of {design.site.name}"
    yield ""
    chosen = f"{len(flows)} of {len(design.flows)} flows (`{asked}`)" if asked else f"{len(flows)} flows"
    yield f"{chosen}, derived from the site. What is not a flow does not pass: every node drops it, in and out."
    for name, network in design.site.networks.items():
        about = [*([str(network.kind)] if name != network.kind else []), str(network.cidr)]
        about += [f"VLAN {network.vlan}"] if network.vlan else []
        yield from _section(f"{name} ({', '.join(about)})", [flow for flow in flows if flow.network == name])
    for transport, title in ((Transport.LOOPBACK, "On a node, by loopback"), (Transport.UNIX, "On a node, by socket")):
        yield from _section(title, [flow for flow in flows if flow.transport is transport])
    yield from _exceptions(flows)
    yield from _addresses(design, {end.node for flow in flows for end in (flow.client, flow.server) if end.node})


def _section(title: str, flows: Sequence[Flow]) -> Iterator[str]:
    if flows:
        yield from ("", f"## {title}", "")
        yield from _table(_COLUMNS, _rows(flows))


def _rows(flows: Iterable[Flow]) -> Iterator[tuple[str, ...]]:
    """Servers that have the same clients, and clients that differ in their node alone, stand in one row."""
    clients: dict[tuple[tuple[str, ...], str | None], dict[str, None]] = {}
    for flow in flows:
        same = flow.client.node is not None and flow.client.node == flow.server.node
        who: tuple[str, ...] = (
            f"{flow.client.who}, same node" if same else _outside(flow.client),
            flow.client.account.name if flow.client.account else "",
            _outside(flow.server),
            flow.where,
            flow.authentication,
            flow.encryption,
            flow.why,
            f"{flow.exemption.name} ({flow.exemption.owner})" if flow.exemption else "",
        )
        nodes = clients.setdefault((who, flow.server.node), {})
        nodes |= {flow.client.node: None} if flow.client.node and not same else {}
    servers: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (who, server), nodes in clients.items():
        servers.setdefault((who, tuple(nodes)), []).extend([server] if server else [])
    for ((client, account, server, *rest), callers), answering in servers.items():
        yield (_at(client, callers), account, _at(server, answering), *rest)


def _outside(end: End) -> str:
    """Who it is; of somebody without a node also whence."""
    return end.who if end.node else f"{end.who} ({', '.join(end.prefixes) or 'anybody'})"


def _at(who: str, nodes: Sequence[str]) -> str:
    return f"{who} @ {', '.join(nodes)}" if nodes else who


def _exceptions(flows: Iterable[Flow]) -> Iterator[str]:
    found: dict[Exemption, dict[str, None]] = {}
    for flow in flows:
        if flow.exemption:
            found.setdefault(flow.exemption, {})[f"{flow.where} on {flow.network or flow.transport}"] = None
    if found:
        yield from ("", "## Exceptions", "", "Flows that go without authentication or without encryption.", "")
        rows = [(it.name, it.owner, it.reason, ", ".join(where)) for it, where in found.items()]
        yield from _table(("exception", "owner", "reason", "where"), sorted(rows))


def _addresses(design: Design, nodes: set[str]) -> Iterator[str]:
    networks = [name for name, network in design.site.networks.items() if network.kind.addressed]
    rows = [
        (node, *(str(design.plan.address(node, network) or "") for network in networks))
        for node in design.site.nodes
        if node in nodes
    ]
    if rows:
        yield from ("", "## Addresses", "")
        yield from _table(("node", *networks), rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
