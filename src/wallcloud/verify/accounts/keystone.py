"""Keystone's assignments against `user` of components, the site's projects and the admin: exact for whom Wallcloud
makes; of others, no role that stands above a project's own members.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from wallcloud.catalog.identity import ADMIN, ADMIN_PROJECT
from wallcloud.catalog.openstack import PROJECT
from wallcloud.design.compile import Design
from wallcloud.verify.accounts.finding import NONE, NOTHING, listed, seen, strays
from wallcloud.verify.expectation import Seen

_POWERS = frozenset({"admin", "manager", "service"})
_IMPLIED = frozenset({"admin implies manager", "manager implies member", "member implies reader"})
"""Keystone's own (bootstrap)."""


def wanted(design: Design) -> dict[str, tuple[frozenset[str], str]]:
    """User → its roles as `ROLE on TARGET`, and what it is for."""
    found = {
        ADMIN: (frozenset({f"admin on project {ADMIN_PROJECT}", "admin on the system"}), "the cloud's first admin"),
        **{
            it.user: (frozenset({f"member on project {name}"}), f"the first member of {name}")
            for name, it in design.site.projects.items()
        },
    }
    for name in design.placed:
        user = design.catalog[name].user
        if user:
            roles = frozenset(f"{role} on project {PROJECT}" for role in user.roles)
            found[user.name] = (roles, f"{design.catalog[name].title} calls other APIs with it")
    return found


def judge(design: Design, node: str, told: Sequence[Mapping[str, str]]) -> Iterator[Seen]:
    """Every declared user, and whoever else has more than a tenant."""
    assigned: dict[str, set[str]] = defaultdict(set)
    groups = defaultdict(set)
    for each in told:
        if "group" in each:
            groups[each["group"]].add(each["member"])
    for each in told:
        if "role" in each:
            in_group = each["of"].startswith("Group")
            members = groups[each["actor"]] or {f"the empty group {each['actor']}"} if in_group else {each["actor"]}
            for actor in members:
                assigned[actor].add(f"{each['role']} on {each['target']}")
    wants = wanted(design)
    services = {user for user, (_, why) in wants.items() if why.endswith("with it")}
    for user, (roles, why) in sorted(wants.items()):
        mend = "" if assigned[user] <= roles else "; no apply takes a role away: openstack role remove"
        yield seen(f"keystone/{user}", node, listed(roles), listed(assigned[user]), f"{why}{mend}")
        for power in sorted(_POWERS):
            for target in ("the system", "domain Default"):
                what = f"{power} on {target}"
                if what not in roles:
                    outcome = "assigned" if what in assigned[user] else "not assigned"
                    yield seen(f"keystone/{user}/{what}", node, "not assigned", outcome, why, wall=True)
    delegated = [each for each in told if "delegation" in each]
    for user in sorted(services):
        mine = [each["delegation"] for each in delegated if each["actor"] == user]
        why = "a service delegates its roles to nobody"
        yield seen(f"keystone/{user}/delegations", node, NOTHING, listed(mine), why, wall=True)
    others = {
        f"{user}: {what}"
        for user, roles in assigned.items()
        if user not in wants
        for what in roles
        if what.split(" on ")[0] in _POWERS or not what.partition(" on ")[2].startswith("project ")
    }
    why = "no component declares it: more than a member of a project. No apply takes it away: openstack role remove"
    yield from strays("keystone/others", node, others, why, "")
    implied = {f"{each['prior']} implies {each['implied']}" for each in told if "implied" in each}
    why = "a role is no more than it says. No apply takes it away: openstack implied role delete"
    yield seen("keystone/implied", node, listed(_IMPLIED), listed(implied), why)
    foreign = [each["provider"] for each in told if "provider" in each]
    outcome = listed(foreign) if foreign else NONE
    why = "Keystone alone says who somebody is"
    yield seen("keystone/providers", node, NONE, outcome, why, wall=True)
