"""Who may open what on a node, as the design says: files with secrets, keys, folders and sockets that are an account's.

A resource's component alone, by its accounts, reads what is secret in it; that a mode or a group lets others in is what
is to be found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wallcloud.catalog.component import ROOT, Account, Component, Listen, OwnSocket, Private
from wallcloud.catalog.place import Place
from wallcloud.catalog.tls import PUBLIC_HOLES
from wallcloud.design.compile import Design
from wallcloud.design.flows import Transport
from wallcloud.design.secrets import holes
from wallcloud.frozen import frozen
from wallcloud.node.resources import Certificate, Directory, File, Unit

NOBODY = "nobody"


@frozen
class Target:
    """A path or pattern, and the accounts that may open it or, a socket, connect to it. Root always may."""

    path: str
    readers: frozenset[str]
    why: str
    socket: bool = False
    must: bool = True
    """It is there, else it may be."""
    shape: str = ""
    """Mode, owner and group, of a file that is a resource."""


def accounts(design: Design, node: str) -> dict[str, Account]:
    """The accounts of a node's components by name; without root, whom nothing is refused."""
    found = {
        account.name: account
        for place in design.places[node]
        for account in _accounts(place.component)
        if account.name != ROOT.name
    }
    return dict(sorted(found.items()))


def _accounts(component: Component) -> tuple[Account, ...]:
    return (component.account, *component.accounts, *(each.schema_account for each in component.databases))


def targets(design: Design, node: str) -> tuple[Target, ...]:
    """Of one node, each path once."""
    found: dict[str, Target] = {}
    known = accounts(design, node)
    for each in (*_resources(design, node), *_private(design, node, known), *_sockets(design, node, known)):
        first = found.setdefault(each.path, each)
        if first is not each:
            readers, must = first.readers | each.readers, first.must or each.must
            found[each.path] = replace(first, readers=readers, must=must)
    return tuple(found.values())


def _members(known: dict[str, Account], group: str) -> frozenset[str]:
    return frozenset(name for name, account in known.items() if group and group in (account.group, *account.groups))


def _resources(design: Design, node: str) -> Iterator[Target]:
    for resource in design.specs[node].resources:
        component = design.catalog.get(resource.component)
        if component is None:
            continue
        own = _accounts(component)
        if isinstance(resource, File) and any(hole.name not in PUBLIC_HOLES for hole in holes(resource)):
            shape = f"{resource.mode:04o} {resource.owner}:{resource.group}"
            yield Target(resource.path, _let_in(own, resource.owner, resource.group), "it holds secrets", shape=shape)
        elif isinstance(resource, Certificate):
            shape = f"0640 {ROOT.name}:{resource.group}"
            why = "whoever has the key is its owner"
            yield Target(resource.key_path, _let_in(own, ROOT.name, resource.group), why, shape=shape)
        elif isinstance(resource, Directory) and not resource.mode & 0o007:
            reading = _let_in(own, resource.owner, resource.group if resource.mode & 0o040 else "")
            yield Target(resource.path, reading, f"{resource.component}'s own folder: {resource.reason}")


def _let_in(own: tuple[Account, ...], owner: str, group: str) -> frozenset[str]:
    return frozenset(each.name for each in own if each.name == owner or group in (each.group, *each.groups)) - {
        ROOT.name
    }


def privates(design: Design, node: str) -> Iterator[Private]:
    """What the node's components keep to themselves besides their resources."""
    for place in design.places[node]:
        yield from place.component.private(place)


def _private(design: Design, node: str, known: dict[str, Account]) -> Iterator[Target]:
    for each in privates(design, node):
        readers = {account.name for account in each.readers} - {ROOT.name}
        yield Target(each.path, _members(known, each.members) | readers, each.why, must=False)


def _sockets(design: Design, node: str, known: dict[str, Account]) -> Iterator[Target]:
    callers: dict[str, set[str]] = {}
    for flow in design.flows:
        if flow.transport is Transport.UNIX and flow.client.node == node and flow.path and flow.client.account:
            callers.setdefault(flow.path, set()).add(flow.client.account.name)
    everybody = frozenset({*known, NOBODY})
    for place in design.places[node]:
        for listen in place.component.listens:
            if listen.path and set(listen.roles) & set(place.roles):
                yield _listener(design, place, listen, frozenset(callers.get(listen.path, ())), everybody)
        for own in place.component.sockets(place):
            if own.kind == "unix" and own.at.startswith("/"):
                yield _own(place, own, known, everybody)


def _listener(
    design: Design, place: Place, listen: Listen, callers: frozenset[str], everybody: frozenset[str]
) -> Target:
    made = any(
        isinstance(each, Unit) and each.unit.endswith(".socket") and f"={listen.path}\n" in each.text
        for each in design.specs[place.node].resources
    )
    holder = frozenset() if made else frozenset({place.component.account.name})
    may = callers | holder | _members(accounts(design, place.node), listen.members)
    why = f"{place.component.title}: {listen.name}; whoever calls it may connect"
    if listen.everyone:
        why = f"{place.component.title}: {listen.name}; {listen.everyone}"
    return Target(str(listen.path), (everybody if listen.everyone else may) - {ROOT.name}, why, socket=True)


def _own(place: Place, own: OwnSocket, known: dict[str, Account], everybody: frozenset[str]) -> Target:
    holder = (own.account or place.component.account).name
    may = _members(known, own.members) | (set() if own.given_up or own.systemd else {holder} & set(known))
    why = f"{place.component.title}: {own.why}{f'; {own.everyone}' if own.everyone else ''}"
    return Target(own.at, everybody if own.everyone else frozenset(may), why, socket=True, must=own.always)


def belongs(design: Design, node: str) -> dict[str, tuple[str, ...]]:
    """Secret of the site → the files of a node where it belongs; every secret of the site is named."""
    found: dict[str, list[str]] = {name: [] for name in secrets(design)}
    for resource in design.specs[node].resources:
        if isinstance(resource, File):
            for hole in holes(resource):
                if hole.name in found:
                    found[hole.name].append(resource.path)
    for place in design.places[node]:
        for private in place.component.private(place):
            if private.holds:
                found[private.holds].append(private.path)
    return {name: tuple(dict.fromkeys(paths)) for name, paths in found.items()}


def secrets(design: Design) -> tuple[str, ...]:
    """The names of all that any node has a hole for; the CA's certificate is none."""
    return tuple(sorted({name for node in design.specs for name in design.secret_names(node)} - PUBLIC_HOLES))


def keys(design: Design, node: str) -> tuple[str, ...]:
    """Paths and patterns of what is born on a node."""
    certificates = (each.key_path for each in design.specs[node].resources if isinstance(each, Certificate))
    return (*certificates, *(each.path for each in privates(design, node) if each.key))


def pruned(design: Design, node: str) -> tuple[str, ...]:
    """What the search leaves out: the release's environment, which is made of public packages and nobody's to write."""
    return tuple({place.environment for place in design.places[node]})
