"""What was heard of a node's sockets against what may hear there. Pure: told what the kernel says, it says what holds.

One hole is one failed expectation: a declared listener that is bound elsewhere fails as that listener, what nobody
declares fails as itself, and where nothing of the kind is in a namespace that stands there as one expectation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any

from wallcloud.catalog.component import KERNEL, OUTSIDE
from wallcloud.frozen import frozen
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.sockets.wanted import ANY, Client, Wanted

KINDS = ("tcp", "udp", "raw", "packet", "unix")
NONE = "none undeclared"
_UNKNOWN = "no process of the node"


@frozen
class Holder:
    """A process that has a socket open."""

    pid: int
    account: str
    name: str
    unit: str

    def __str__(self) -> str:
        return f"{self.account}: {self.name} (pid {self.pid}{f', {self.unit}' if self.unit else ''})"


@frozen
class Socket:
    """A socket that hears; `space` is its namespace's name, "" the node's own."""

    kind: str
    at: str
    space: str
    to: str
    by: str
    holders: tuple[Holder, ...]

    @property
    def port(self) -> str:
        """Of `tcp` and `udp`."""
        return self.at.rpartition(":")[2]

    @property
    def who(self) -> str:
        """Its processes, each once."""
        return "; ".join(dict.fromkeys(map(str, self.holders))) or _UNKNOWN


def read(told: Mapping[str, Any]) -> tuple[dict[str, str], tuple[Socket, ...]]:
    """What the node's program answered: the namespaces (inode → name), and the sockets."""
    spaces = {str(key): str(value) for key, value in told["spaces"].items()}
    found = (
        Socket(
            each["kind"],
            each["at"],
            spaces[each["space"]],
            each["to"],
            each["by"],
            tuple(Holder(it["pid"], it["account"], it["name"], it["unit"]) for it in each["holders"]),
        )
        for each in told["sockets"]
    )
    return spaces, tuple(sorted(found, key=lambda each: (each.space, each.kind, each.at)))


def judge(node: str, told: Mapping[str, Any], wants: Iterable[Wanted], clients: Iterable[Client]) -> Iterator[Seen]:
    """Every expectation of one node."""
    names, every = read(told)
    asked = tuple(clients)
    left = [each for each in every if not (each.to and _client(each, asked))]
    stray = _Stray(node)
    for want in wants:
        mine = [each for each in left if want.holds(each.kind, each.at, each.space)]
        left = [each for each in left if each not in mine]
        if want.listener:
            moved = [] if mine else [each for each in left if _moved(each, want)]
            left = [each for each in left if each not in moved]
            yield _listener(node, want, mine, moved)
            continue
        spaces = [name for name in names.values() if fnmatchcase(name, want.space)] if want.must else []
        yield from _own(node, want, mine, spaces)
    for each in left:
        yield stray.one(each)
    yield from stray.none(names.values(), every)


def _client(each: Socket, clients: Iterable[Client]) -> bool:
    """Whether it is the asking end of a flow."""
    address, _, port = each.to.rpartition(":")
    accounts = {holder.account for holder in each.holders}
    return each.kind == "udp" and any(
        accounts == {client.account}
        and port == str(client.port)
        and any(ip_address(address.strip("[]")) in ip_network(prefix) for prefix in client.prefixes)
        for client in clients
    )


def _moved(each: Socket, want: Wanted) -> bool:
    """Whether it is that listener, bound to another address than it shall be."""
    return (
        want.kind in ("tcp", "udp")
        and each.kind == want.kind
        and each.space == want.space
        and each.port == want.at.rpartition(":")[2]
        and want.holder in {holder.account for holder in each.holders}
    )


def _listener(node: str, want: Wanted, mine: list[Socket], moved: list[Socket]) -> Seen:
    where = "bound to every address" if want.everywhere else "bound to its network's address alone"
    probe = Probe(
        f"sockets/{node}/{want.kind}/{want.at}",
        node,
        f"held by {want.holder}",
        f"{want.why}; {'its account holds it' if want.kind == 'unix' else f'{where}, held by its account'}"
        + (f" ({want.everywhere})" if want.everywhere else ""),
        {},
        repeat=_repeat(node, want.kind, want.at, ""),
        source=node,
    )
    if moved:
        return Seen(probe, f"bound to {', '.join(each.at for each in moved)}", moved[0].who)
    if not mine:
        return Seen(probe, "nothing listens")
    return Seen(probe, _held(want, mine), "; ".join(dict.fromkeys(each.who for each in mine)))


def _held(want: Wanted, mine: list[Socket]) -> str:
    """`held by` the account that holds all of these and made them, or what else is so."""
    accounts: set[str] = set()
    makers: set[str] = set()
    for each in mine:
        at_work = {
            holder.account
            if fnmatchcase(holder.unit, want.units)
            else f"{holder.account} in {holder.unit or 'no unit'}"
            for holder in each.holders
            if not (want.systemd and holder.pid == 1)
        }
        # While a service starts, systemd alone has its socket; what the kernel or the host around has, nobody here has.
        nobody = want.holder if want.systemd and each.holders else OUTSIDE.name if want.kind == "unix" else KERNEL.name
        accounts |= at_work or {nobody}
        made = {want.holder, "", *(("root",) if want.systemd or want.given_up or want.holder == KERNEL.name else ())}
        makers |= {each.by} - made
    by = f"; made by {', '.join(sorted(makers))}" if makers else ""
    return f"held by {', '.join(sorted(accounts))}{by}"


def _own(node: str, want: Wanted, mine: list[Socket], spaces: list[str]) -> Iterator[Seen]:
    for each in mine:
        yield Seen(_probe(node, each.kind, each.at, each.space, want), _held(want, [each]), each.who)
    paths = want.kind == "unix" and want.at.startswith("/")
    for space in [""] if paths and want.must and not mine else [] if paths else spaces:
        if not any(each.space == space for each in mine):
            yield Seen(_probe(node, want.kind, want.at, space, want), "nothing listens")


def _probe(node: str, kind: str, at: str, space: str, want: Wanted) -> Probe:
    return Probe(
        _id(node, space if not at.startswith("/") else "", kind, at),
        node,
        f"held by {want.holder}",
        want.why,
        {},
        repeat=_repeat(node, kind, at, space),
        source=node,
    )


class _Stray:
    """What nobody declares, and where there is nothing of that kind."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._found: set[tuple[str, str]] = set()
        self._count: dict[str, int] = defaultdict(int)

    def one(self, each: Socket) -> Seen:
        """A failed expectation, with who it is."""
        self._found.add((each.space, each.kind))
        name = f"{each.at}→{each.to}" if each.to else each.at
        base = _id(self._node, each.space, each.kind, name)
        self._count[base] += 1
        number = self._count[base]
        return Seen(
            Probe(
                base if number == 1 else f"{base} ({number})",
                self._node,
                "not there",
                "no component declares it, so no apply takes it away: end its process, and what would start it again",
                {},
                negative=True,
                repeat=_repeat(self._node, each.kind, each.at, each.space),
                source=self._node,
            ),
            "asking" if each.to else "bound to every address" if each.at.rpartition(":")[0] in ANY else "open",
            each.who,
        )

    def none(self, spaces: Iterable[str], every: Iterable[Socket]) -> Iterator[Seen]:
        """One expectation that holds for each namespace and kind without strays."""
        counted: dict[tuple[str, str], int] = defaultdict(int)
        for each in every:
            counted[(each.space, each.kind)] += 1
        others = {kind for _, kind in counted} - set(KINDS)
        for space in sorted(set(spaces)):
            for kind in (*KINDS, *sorted(others)):
                if (space, kind) not in self._found:
                    yield Seen(
                        Probe(
                            _id(self._node, space, kind, "undeclared"),
                            self._node,
                            NONE,
                            "every socket that hears is declared by a component of its node",
                            {},
                            negative=True,
                            repeat=_repeat(self._node, kind, "", space),
                            source=self._node,
                        ),
                        NONE,
                        f"{counted[(space, kind)]} looked at",
                    )


def _id(node: str, space: str, kind: str, at: str) -> str:
    return "/".join(("sockets", node, *((space,) if space else ()), kind, at))


def _repeat(node: str, kind: str, at: str, space: str) -> str:
    """A command to be run on the node as root; none for a namespace without a name (a unit's), where ss would
    look elsewhere. ss(8) has a letter for each kind."""
    if space and not space.startswith(("q", "fip-", "snat-")):
        return ""
    letter = {"tcp": "t", "udp": "u", "raw": "w", "packet": "0", "unix": "x"}.get(kind, "a")
    inside = f"ip netns exec {space} " if space else ""
    port = at.rpartition(":")[2] if kind in ("tcp", "udp") else ""
    chosen = f" 'sport = :{port}'" if port.isdigit() else f" src {at}" if kind == "unix" and at.startswith("/") else ""
    return f"{node}# {inside}ss -Hanp{letter}{chosen}"
