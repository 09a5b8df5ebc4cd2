"""The communication matrix for people: what each server listens on, and under it who may call, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wallcloud.cli.table import hang
from wallcloud.design.compile import Design
from wallcloud.design.flows import Flow, Transport
from wallcloud.frozen import frozen


def _exception(flow: Flow) -> str:
    it = flow.exemption
    return f"{it.name}: {it.reason} ({it.owner})" if it else ""


_HERE = "(same node)"


@frozen
class _Client:
    who: str
    nodes: str
    why: str

    def __str__(self) -> str:
        at = "" if self.nodes == _HERE else "@ "
        return f"{self.who} {at}{self.nodes}" if self.nodes else self.who


def text(design: Design, flows: Sequence[Flow], asked: str, limit: int | None) -> Iterator[str]:
    """Lines of at most `limit` characters: how many flows, then for each listener a head, how it is protected, and
    its clients."""
    if not flows:
        yield f"Flows of {design.site.name}: none of {len(design.flows)} for {asked}. What is not here does not pass."
        return
    of = f" of {len(design.flows)}" if asked else ""
    yield f"Flows of {design.site.name}: {len(flows)}{of}. What is not here does not pass."
    yield from _listeners(design, flows, limit)
    exceptions = sorted({f"{flow.exemption.name} ({flow.exemption.owner})" for flow in flows if flow.exemption})
    if exceptions:
        yield ""
        yield from hang(f"{_count(len(exceptions), 'named exception')}: ", ", ".join(exceptions), limit)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _listeners(design: Design, flows: Iterable[Flow], limit: int | None) -> Iterator[str]:
    listeners: dict[tuple[str, ...], dict[_Client, None]] = {}
    for (head, server), clients in _by_listener(design, flows).items():
        together = listeners.setdefault((*head, *sorted(str(each) for each in clients)), {})
        together[_Client(server.who, server.nodes, "")] = None
        together.update(dict.fromkeys(clients))
    for (who, place, protection, exception, *_), found in sorted(listeners.items()):
        servers = [each.nodes for each in found if not each.why]
        clients = [each for each in found if each.why]
        at = f" @ {', '.join(servers)}" if any(servers) else ""
        yield ""
        yield f"{who}{at}  {place}"
        yield from hang("    ", protection, limit)
        if exception:
            yield from hang("    exception ", exception, limit)
        size = max(len(str(each)) for each in clients)
        for client in clients:
            yield from hang(f"    ← {client!s:<{size}}  ", client.why, limit)


def _by_listener(design: Design, flows: Iterable[Flow]) -> dict[tuple[tuple[str, ...], _Client], list[_Client]]:
    """(listener's head, server) → its clients, those that differ in their node only in one."""
    found: dict[tuple[tuple[str, ...], _Client], dict[tuple[str, str], list[str]]] = {}
    for flow in flows:
        head = (flow.server.who, _place(flow), f"{flow.authentication} · {flow.encryption}", _exception(flow))
        server = _Client(flow.server.who, flow.server.node or "", "")
        own = flow.client.node is not None and flow.client.node == flow.server.node
        clients = found.setdefault((head, server), {})
        nodes = clients.setdefault((_who(design, flow), flow.why), [])
        nodes += [_HERE if own else flow.client.node] if flow.client.node else []
    return {
        key: [_Client(who, ", ".join(nodes), why) for (who, why), nodes in clients.items()]
        for key, clients in found.items()
    }


def _place(flow: Flow) -> str:
    if flow.transport is Transport.NETWORK:
        return f"{flow.where} on {flow.network}"
    return f"{flow.where} on loopback" if flow.transport is Transport.LOOPBACK else flow.where


def _who(design: Design, flow: Flow) -> str:
    """The client, with the account that the firewall knows it by where that is not its component's own."""
    component = design.catalog.get(flow.client.who)
    account = flow.client.account
    if component is None or account is None or account == component.account:
        return flow.client.who
    return f"{flow.client.who} as {account.name}"
