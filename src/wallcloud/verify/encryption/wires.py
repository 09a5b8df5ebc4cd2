"""What was heard of the canaries: in the control capture everywhere, on the errand nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wallcloud.design.compile import Design
from wallcloud.design.flows import Flow, Transport
from wallcloud.frozen import frozen
from wallcloud.verify.encryption.talks import is_tls
from wallcloud.verify.expectation import Probe, Seen

LOOPBACK = "loopback"
INSIDE = "inside"
"""Devices within a node that are no wire: bridges, VMs' taps."""


@frozen
class Wire:
    """A network of the site as nodes' interfaces, or `LOOPBACK`."""

    name: str
    ends: tuple[tuple[str, str], ...]
    """(node, interface)."""


def wires(design: Design) -> tuple[Wire, ...]:
    """Every network that is plugged into a node, and every node's loopback."""
    site = design.site
    found = [
        Wire(
            name,
            tuple(
                (node, network.device(it.interfaces[name])) for node, it in site.nodes.items() if name in it.interfaces
            ),
        )
        for name, network in site.networks.items()
    ]
    found = [wire for wire in found if wire.ends]
    return (*found, Wire(LOOPBACK, tuple((node, "lo") for node in site.nodes)))


def control(wires: Iterable[Wire], heard: Mapping[str, dict[str, Any]], canaries: Iterable[str]) -> Iterator[Seen]:
    """Each interface heard each canary in each form, said in the clear on its wire."""
    names = tuple(canaries)
    for wire in wires:
        for node, interface in wire.ends:
            for canary in names:
                told = heard.get(node, {"lost": 0, "missing": {}})
                missing = told["missing"].get(interface, {}).get(canary)
                yield Seen(
                    Probe(
                        f"encryption/hearing/{wire.name}/{node}/{canary}",
                        node,
                        "heard in every form",
                        "an ear that does not hear what is said in the clear proves nothing by silence",
                        {},
                        source="control capture",
                        target=f"{node} on {wire.name}",
                    ),
                    "heard nothing"
                    if missing is None
                    else f"no {', '.join(missing)}"
                    if missing
                    else "heard in every form",
                )


def _belongs(design: Design, node: str, interface: str, canary: str, where: str) -> bool:
    """Loopback is the node's kernel, where the design has a conversation: nova-metadata tells what a VM may know."""
    if interface != "lo" or canary != "sql":
        return False
    ports = {
        f"127.0.0.1:{flow.port}"
        for flow in design.flows
        if flow.server.node == node and flow.server.who == "nova-metadata" and flow.transport is Transport.LOOPBACK
    }
    _, source, _, target = where.split(" ") if where.startswith("tcp ") else ("", "", "", "")
    return source in ports or target in ports


def silence(
    design: Design, wires: Iterable[Wire], told: Mapping[str, dict[str, Any]], canaries: Iterable[str]
) -> Iterator[Seen]:
    """No canary in any form on any wire; a recording with holes proves nothing."""
    names = tuple(canaries)
    by_name = {wire.name: wire.ends for wire in wires}
    known = {end for ends in by_name.values() for end in ends}
    inside = tuple(
        (node, interface)
        for node, each in told.items()
        for interface in each["frames"]
        if (node, interface) not in known
    )
    for wire, ends in {**by_name, INSIDE: inside}.items():
        deaf = [node for node, _ in ends if node not in told or told[node]["lost"]]
        for canary in names:
            hits = [
                f"{node} {interface}: {form} in {where}"
                for node, interface in ends
                if node in told
                for at, name, form, where in told[node]["hits"]
                if at == interface and name == canary and not _belongs(design, node, interface, canary, where)
            ]
            outcome = "in the clear" if hits else "not all heard" if deaf else "nowhere"
            yield Seen(
                Probe(
                    f"encryption/wire/{wire}/{canary}",
                    ends[0][0] if ends else "",
                    "nowhere",
                    "no password, token, SQL or payload of components passes a wire in the clear, in any form",
                    {},
                    negative=True,
                    source="canary",
                    target=wire,
                ),
                outcome,
                "; ".join(hits[:4]) or ", ".join(sorted(set(deaf))),
            )


_USED = {
    # Server → whether each of its clients' nodes has something to say on the errand, or only some.
    "rabbitmq": True,
    "mariadb": True,
    "public-door": True,
    "management-door": False,
}
"""Servers whose listeners the errand must have gone through."""


def watched(design: Design) -> list[tuple[str, int]]:
    """Address and port of every TLS listener of the design."""
    return sorted({(flow.server.prefixes[0], flow.port or 0) for flow in design.flows if is_tls(flow)})


def passed(design: Design, told: Mapping[str, dict[str, Any]]) -> Iterator[Seen]:
    """Bytes passed meanwhile on the servers' wires, and they were TLS."""
    seen: set[tuple[str, str, int]] = set()
    for flow in design.flows:
        if not is_tls(flow) or flow.server.who not in _USED or flow.client.node == flow.server.node:
            continue
        far = (flow.client.node or flow.client.who) if _USED[flow.server.who] else "anybody"
        key = (far, flow.server.prefixes[0], flow.port or 0)
        if key not in seen:
            seen.add(key)
            yield _passed(design, flow, far, told)


def _passed(design: Design, flow: Flow, far: str, told: Mapping[str, dict[str, Any]]) -> Seen:
    node, network = str(flow.server.node), str(flow.network)
    interface = design.site.networks[network].device(design.site.nodes[node].interfaces[network])
    server = (flow.server.prefixes[0], flow.port)
    rows = [
        (source, sport, target, dport, size, tls)
        for at, source, sport, target, dport, size, tls in told.get(node, {"passed": []})["passed"]
        if at == interface
        and server in {(source, sport), (target, dport)}
        and (far != flow.client.node or flow.client.prefixes[0] in {source, target})
    ]
    size = sum(row[4] for row in rows)
    wrong = [f"{source}:{sport} > {target}:{dport}" for source, sport, target, dport, _, tls in rows if not tls]
    return Seen(
        Probe(
            f"encryption/passed/{node}:{flow.port}/{far}",
            node,
            "TLS alone",
            "the canaries' way was used while the wires were heard, and all of it was TLS records",
            {},
            source="canary",
            target=f"{node} on {network}",
        ),
        "nothing" if not size else "not TLS" if wrong else "TLS alone",
        "; ".join(wrong[:4]) or f"{size} bytes",
    )
