"""What of the canaries stayed on nodes, and where it may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wallcloud.catalog import mariadb, rabbitmq
from wallcloud.design.compile import Design
from wallcloud.verify.encryption.canaries import SECRET
from wallcloud.verify.expectation import Probe, Seen

Traces = list[list[str]]
"""`[canary, form, where, "others" or ""]`, of one node: whether other accounts can read a file."""
PLACES = ("files", "journal", "cmdline", "environ")
FOLDERS = {
    # Component → the folders of its node, closed to other accounts, in which these may stand.
    "mariadb": ((mariadb.FOLDER,), ("rpc", "sql")),
    # Messages on their way. Nova and Neutron hand a user's token on with each, and the bus keeps what it has not
    # delivered (docs/decisions/0027).
    "rabbitmq": ((rabbitmq.HOME,), ("rpc", "sql", "token", "next-token")),
}
LOGS = {
    # Component → what its log may say: names and descriptions are no secrets, and the agent tells what it did for whom.
    "neutron-dhcp-agent": ("rpc",),
}
_JOURNALS = ("/var/log/journal/", "/run/log/journal/")


def kind(where: str) -> str:
    """Which of PLACES a trace is in."""
    if where == "journal" or where.startswith(_JOURNALS):
        return "journal"
    return "files" if where.startswith("/") else where.partition(" ")[0]


def belongs(design: Design, node: str, canary: str, where: str, *, others: bool) -> bool:
    """Whether a canary may stand there; where other accounts can read it, none may."""
    here = {name for name, nodes in design.placed.items() if node in nodes}
    if kind(where) == "journal":
        return any(component in here and canary in names for component, names in LOGS.items())
    return not others and any(
        component in here and canary in names and where.startswith(tuple(f"{folder}/" for folder in folders))
        for component, (folders, names) in FOLDERS.items()
    )


def planted(design: Design, found: Mapping[str, Traces]) -> Iterator[Seen]:
    """On every node the search found what was laid there for it."""
    for node in design.site.nodes:
        kinds = {kind(where) for canary, _, where, _ in found.get(node, ()) if canary == "planted"}
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
    for node in design.site.nodes:
        traces = found.get(node, [])
        for place in PLACES:
            for canary in names:
                hits = [
                    f"{where} ({form}{', others may read it' if others else ''})"
                    for name, form, where, others in traces
                    if name == canary
                    and kind(where) == place
                    and not belongs(design, node, canary, where, others=bool(others))
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
                    "found" if hits else "nowhere" if node in found else "not looked at",
                    "; ".join(sorted(set(hits))[:4]),
                )
