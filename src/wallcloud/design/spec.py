"""The Spec of one node: what every node has, then its components in order, then the exclusive sets that close it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wallcloud.catalog.component import Account
from wallcloud.catalog.firewall import boot_file
from wallcloud.catalog.place import Place
from wallcloud.design import firewall
from wallcloud.design.flows import Flow
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource

_FIRST = "firewall"
"""The component whose packages come before everything: nothing is installed before the wall stands."""


def node_resources(places: tuple[Place, ...], flows: Iterable[Flow]) -> tuple[Resource, ...]:
    """Every resource of a node, in order. `places` are its components in order, `flows` those that touch it."""
    first = next(place for place in places if place.component.name == _FIRST)
    basics = next(place for place in places if place.component.name == "basics")
    rest = tuple(place for place in places if place not in (first, basics))
    wall = firewall.ruleset(first.site, first.node, flows)
    ordered = [
        *_accounts(places),
        *basics.component.resources(basics),
        *_packages(first.release.packages, "the firewall", first.component.packages),
        r.Ruleset(text=wall, component=_FIRST, reason="what is not a declared flow does not pass"),
        boot_file(wall),
        *first.component.resources(first),
        r.Mask(
            units=tuple(sorted({unit for place in places for unit in place.component.masks})),
            component="basics",
            reason="Debian's units of what Wallcloud runs in units of its own never start",
        ),
        *_packages(
            first.release.packages,
            "the node's components",
            tuple(sorted({name for place in (basics, *rest) for name in place.component.packages})),
        ),
        *_environment(places),
        *(resource for place in rest for resource in place.component.resources(place)),
    ]
    units = tuple(sorted(resource.unit for resource in ordered if isinstance(resource, r.Unit)))
    ordered.append(
        r.ExclusiveUnits(
            keep=units, component="basics", reason="a unit of Wallcloud's that the site does not name leaves"
        )
    )
    return tuple(ordered)


def _accounts(places: tuple[Place, ...]) -> Iterator[Resource]:
    accounts: dict[str, tuple[Account, str]] = {}
    for place in places:
        database = place.component.database
        schema = (database.schema_account,) if database else ()
        for account in (place.component.account, *place.component.accounts, *schema):
            accounts[account.name] = (account, place.component.name)
    for account, component in sorted(accounts.values(), key=lambda pair: pair[0].uid):
        if account.foreign:
            continue
        why = f"{component} runs as it; the firewall knows it by number"
        yield r.Group(group=account.group, gid=account.uid, component=component, reason=why)
        yield r.Account(
            account=account.name,
            uid=account.uid,
            group=account.group,
            home=account.home,
            groups=account.groups,
            component=component,
            reason=why,
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
