"""What of the canaries stayed on nodes, and where it may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wallcloud.catalog import mariadb, rabbitmq
from wallcloud.design.compile import Design
from wallcloud.verify.encryption.canaries import SECRET
from wallcloud.verify.expectation import Probe, Seen

Traces = list[list[str]]
"""`[canary, form, where]`, of one node."""
PLACES = ("files", "journal", "cmdline", "environ")
BELONGS = {
    "mariadb": ((mariadb.FOLDER,), ("rpc", "sql")),
    "rabbitmq": ((rabbitmq.HOME,), ("rpc", "sql")),
}
"""Component → the folders of its node in which these canaries may stand: rows, and messages on their way."""


def kind(where: str) -> str:
    """Which of PLACES a trace is in."""
    if where == "journal":
        return "journal"
    return "files" if where.startswith("/") else where.partition(" ")[0]


def _belongs(design: Design, node: str, canary: str, where: str) -> bool:
    return any(
        canary in names and node in design.placed.get(component, ()) and where.startswith(tuple(f"{f}/" for f in folders))
        for component, (folders, names) in BELONGS.items()
    )


def planted(found: Mapping[str, Traces]) -> Iterator[Seen]:
    """On every node the search found what was laid there for it."""
    for node, traces in found.items():
        kinds = {kind(where) for canary, _, where in traces if canary == "planted"}
        for place in PLACES:
            yield Seen(
                Probe(
                    f"encryption/search/{node}/{place}",
                    node,
                    "found",
                    "a search that does not find what was planted proves nothing",
                    {},
                    target=node,
                ),
                "found" if place in kinds else "not found",
            )


def checks(design: Design, found: Mapping[str, Traces], canaries: Iterable[str]) -> Iterator[Seen]:
    """No secret stays anywhere; what components told each other stays where it belongs."""
    names = tuple(canaries)
    for node, traces in found.items():
        for place in PLACES:
            for canary in names:
                hits = [
                    f"{where} ({form})"
                    for name, form, where in traces
                    if name == canary and kind(where) == place and not _belongs(design, node, canary, where)
                ]
                why = "a secret stays nowhere" if canary in SECRET else "it stays in the database and the bus alone"
                yield Seen(
                    Probe(
                        f"encryption/{place}/{node}/{canary}",
                        node,
                        "nowhere",
                        why,
                        {},
                        negative=True,
                        source="canary",
                        target=node,
                    ),
                    "found" if hits else "nowhere",
                    "; ".join(hits[:4]),
                )
