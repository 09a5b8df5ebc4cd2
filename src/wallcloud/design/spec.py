"""The Spec of one node: what every node has, then its components in order, then the exclusive sets that close it.

What every node has comes first and one after the other; then each component is a part of its own, beside the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TypeAlias

from wallcloud.catalog import keystone_cache
from wallcloud.catalog.basics import network
from wallcloud.catalog.component import Account
from wallcloud.catalog.firewall import boot_file
from wallcloud.catalog.place import Place
from wallcloud.design import firewall
from wallcloud.design.flows import Flow
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.node.spec import Part, Spec

_FIRST = "firewall"
"""The component whose packages come before everything: nothing is installed before the wall stands."""
# The parts that are no component's.
_GUARDS = "guards"
_GROUND = "every node's ground"
_PACKAGES = "packages"
_ENVIRONMENT = "environment"
_LAST = "exclusive sets"
_Part: TypeAlias = tuple[str, tuple[str, ...], list[Resource]]
"""Its name, those that it stands on, what is in it."""


def node_spec(places: tuple[Place, ...], flows: Iterable[Flow], before: Mapping[str, tuple[str, ...]]) -> Spec:
    """The Spec of a node. `places` are its components in order, `flows` those that touch it.

    `before` are for each component those on the node that come before it.
    """
    first = next(place for place in places if place.component.name == _FIRST)
    basics = next(place for place in places if place.component.name == "basics")
    rest = tuple(place for place in places if place not in (first, basics))
    wall = firewall.ruleset(first.site, first.node, flows)
    parts: list[_Part] = []
    guards = [guard for place in places for guard in place.component.guards(place)]
    ground = [
        *_accounts(places),
        *basics.component.resources(basics),
        *_packages(first.release.packages, "the firewall", first.component.packages),
        r.Ruleset(text=wall, component=_FIRST, reason="what is not a declared flow does not pass"),
        boot_file(wall),
        *first.component.resources(first),
        # Not before: an address on a machine without a wall would answer everybody.
        *network(basics),
        r.Mask(
            units=tuple(sorted({unit for place in places for unit in place.component.masks})),
            component="basics",
            reason="Debian's units of what Wallcloud runs in units of its own never start",
        ),
    ]
    packages = _packages(
        first.release.packages,
        "the node's components",
        tuple(sorted({name for place in (basics, *rest) for name in place.component.packages})),
    )
    if first.seed and first.seed.replaces:
        ground.append(_quiet(places, first.seed.backup))
    parts.append((_GROUND, (), ground))
    parts.append((_PACKAGES, (_GROUND,), list(packages)))
    parts.append((_ENVIRONMENT, (_GROUND,), list(_environment(places))))
    for place in rest:
        name = place.component.name
        other = tuple(each for each in before[name] if each not in (_FIRST, "basics"))
        environment = (_ENVIRONMENT,) if place.component.environment else ()
        parts += _component(name, (_PACKAGES, *environment, *other), place.component.resources(place))
    every = [*guards, *(resource for _, _, resources in parts for resource in resources)]
    units = tuple(sorted(resource.unit for resource in every if isinstance(resource, r.Unit)))
    stay = "a unit of Wallcloud's that the site does not name leaves"
    last = r.ExclusiveUnits(keep=units, component="basics", reason=stay)
    parts.append((_LAST, tuple(name for name, _, _ in parts), [last]))
    return Spec(
        first.node,
        first.release.name,
        (*every, last),
        (
            *((Part(_GUARDS, len(guards), guard=True),) if guards else ()),
            *(Part(name, len(resources), after) for name, after, resources in parts),
        ),
    )


def _component(name: str, after: tuple[str, ...], resources: Iterable[Resource]) -> list[_Part]:
    """A component's part; or several, where resources that follow each other may be taken side by side. All others
    stand on the last of them, which has the component's name."""
    parts: list[_Part] = []
    for aside, neighbours in groupby(resources, key=lambda resource: resource.aside):
        run = list(neighbours)
        lanes = [[one] for one in run] if aside else [run]
        made = [(f"{name}, {len(parts) + number}", after, lane) for number, lane in enumerate(lanes, 1)]
        parts += made
        after = tuple(part for part, _, _ in made)
    if len(after) > 1 or not parts:
        return [*parts, (name, after, [])]
    *others, (_, before, last) = parts
    return [*others, (name, before, last)]


def _accounts(places: tuple[Place, ...]) -> Iterator[Resource]:
    accounts: dict[str, tuple[Account, str]] = {}
    for place in places:
        schemas = (database.schema_account for database in place.component.databases)
        for account in (place.component.account, *place.component.accounts, *schemas):
            accounts[account.name] = (account, place.component.name)
    ours = sorted((pair for pair in accounts.values() if not pair[0].foreign), key=lambda pair: pair[0].uid)
    # All groups first: an account may be in another's.
    for account, component in ours:
        yield r.Group(group=account.group, gid=account.uid, component=component, reason=_why(component))
    for account, component in ours:
        yield r.Account(
            account=account.name,
            uid=account.uid,
            group=account.group,
            home=account.home,
            groups=account.groups,
            component=component,
            reason=_why(component),
        )


def _why(component: str) -> str:
    return f"{component} runs as it; the firewall knows it by number"


def _quiet(places: tuple[Place, ...], backup: str) -> Resource:
    """Stops what knows the databases: OpenStack's programs, and where Keystone keeps what it has read."""
    knowing = [
        place
        for place in places
        if place.component.environment or place.component.name == keystone_cache.COMPONENT.name
    ]
    units = {each.unit for place in knowing for each in place.component.resources(place) if isinstance(each, r.Unit)}
    return r.QuietUnits(
        units=tuple(sorted(unit for unit in units if "@" not in unit)),
        cause=backup,
        component="basics",
        reason="nobody shall remember what the databases held before",
    )


def _packages(index: str, what: str, names: tuple[str, ...]) -> Iterator[Resource]:
    if names:
        yield r.Packages(names=names, index=index, component="basics", reason=f"Debian's packages for {what}")


def _environment(places: tuple[Place, ...]) -> Iterator[Resource]:
    users = [place.component.name for place in places if place.component.environment]
    if users:
        release = places[0].release
        yield r.Environment(
            path=release.environment_path,
            digest=release.environment,
            component="basics",
            reason=f"the locked Python environment of OpenStack {release.name}, for {', '.join(users)}",
        )
