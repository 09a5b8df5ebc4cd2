"""Every secret and every certificate of a design: what kind it is, who takes it, who holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from wallcloud.catalog import keystone_keys
from wallcloud.catalog.identity import people
from wallcloud.catalog.rotation import base
from wallcloud.catalog.tls import CA_HOLE, CRL_HOLE
from wallcloud.deploy.rotation import Wanted
from wallcloud.design.compile import Design
from wallcloud.design.secrets import holes
from wallcloud.frozen import frozen
from wallcloud.node.resources import Certificate, DatabaseAccount, File


class Kind(StrEnum):
    """What a secret is, and so how it is rotated."""

    SERVICE = "service"
    """The password of a service's user: two users take turns."""
    DATABASE = "database"
    """The password of an account of MariaDB's, which takes two at once."""
    SHARED = "shared"
    """Whoever holds it changes it at once."""
    PERSON = "person"
    """People hold it: it is rotated where that is asked for."""
    KEYS = "keys"
    """Keystone's: made on its node, kept there only."""


_PERSONS = ("the admin", "a project's first member")
_SERVERS = {
    Kind.SERVICE: "Keystone",
    Kind.DATABASE: "MariaDB",
    Kind.PERSON: "Keystone",
    Kind.KEYS: "Keystone",
    Kind.SHARED: "",
}


@frozen
class Kept:
    """A secret. `server`: who knows it and takes it from others, or ""; `holders`: component@node, who show it."""

    name: str
    kind: Kind
    server: str
    holders: tuple[str, ...]


def secrets_of(design: Design) -> tuple[Kept, ...]:
    """All of them, by name."""
    services = {component.user.password for component in design.catalog.values() if component.user}
    persons = people(design.site)
    databases: set[str] = set()
    holders: dict[str, dict[str, None]] = {}
    for node, spec in design.specs.items():
        for resource in spec.resources:
            for hole in holes(resource):
                if hole.name in (CA_HOLE, CRL_HOLE):
                    continue
                found = holders.setdefault(base(hole.name), {})
                if isinstance(resource, DatabaseAccount):
                    databases.add(base(hole.name))
                elif isinstance(resource, File):
                    found[f"{resource.component}@{node}"] = None
    kept: list[Kept] = []
    holding: tuple[str, ...]
    for name, found in holders.items():
        if name in persons:
            kind, holding = Kind.PERSON, (_PERSONS[name != persons[0]],)
        elif name in services:
            kind, holding = Kind.SERVICE, tuple(found)
        else:
            kind, holding = Kind.DATABASE if name in databases else Kind.SHARED, tuple(found)
        kept.append(Kept(name, kind, _SERVERS[kind], holding))
    where = tuple(f"keystone@{node}" for node in design.placed.get("keystone", ()))
    kept += [Kept(name, Kind.KEYS, _SERVERS[Kind.KEYS], where) for name in keystone_keys.NAMES]
    return tuple(sorted(kept, key=lambda each: each.name))


def certificates_of(design: Design) -> Mapping[str, str]:
    """The name of each certificate → its node."""
    return {
        resource.name: node
        for node, spec in design.specs.items()
        for resource in spec.resources
        if isinstance(resource, Certificate)
    }


def wanted(secrets: Iterable[Kept], certificates: Iterable[str]) -> Wanted:
    """What a rotation of these is."""
    every = tuple(secrets)

    def names(*kinds: Kind) -> frozenset[str]:
        return frozenset(each.name for each in every if each.kind in kinds)

    return Wanted(
        pairs=names(Kind.SERVICE, Kind.DATABASE),
        single=names(Kind.SHARED, Kind.PERSON),
        certificates=frozenset(certificates),
        keys=names(Kind.KEYS),
    )
