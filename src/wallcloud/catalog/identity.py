"""The cloud's accounts and catalog, made through Keystone's own API at the management door."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import keystone, keystone_cache, openstack, tls
from wallcloud.catalog.component import ROOT, Api, Call, Component
from wallcloud.catalog.place import Place
from wallcloud.catalog.rotation import hole
from wallcloud.node.resource import Resource
from wallcloud.node.resources import (
    ExclusiveIdentityCatalog,
    GoneIdentityUsers,
    IdentityAccess,
    IdentityAssignment,
    IdentityBootstrap,
    IdentityEndpoint,
    IdentityProject,
    IdentityService,
    IdentityUser,
)
from wallcloud.site.model import Role, Site

ADMIN = "admin"
ADMIN_PROJECT = "admin"
ADMIN_PASSWORD = "identity-admin"  # noqa: S105 - the name of a secret
_MEMBER = "member"


def people(site: Site) -> tuple[str, ...]:
    """The names of the secrets that people hold: the admin's password and the first members'."""
    return (ADMIN_PASSWORD, *(member_password(name, project.user) for name, project in site.projects.items()))


def member_password(project: str, user: str) -> str:
    """The name of the secret that is the password of a project's first member."""
    return f"identity-{project}-{user}"


def resources(place: Place) -> Iterator[Resource]:
    """The admin, the catalog with both doors, the first projects."""
    inner = f"https://{place.internal_name()}/identity/v3"
    access = IdentityAccess(
        url=inner, ca=tls.CA, password=place.rotation.used(ADMIN_PASSWORD), admin=ADMIN, project=ADMIN_PROJECT
    )
    yield IdentityBootstrap(
        access=access,
        argv=(f"{place.environment}/bin/keystone-manage", "--config-file", keystone.CONFIG, "bootstrap"),
        account=keystone_cache.ACCOUNT.name,
        region=place.site.region,
        component="identity",
        reason="the admin, and Keystone's own roles",
    )
    for name in place.placed:
        component = place.catalog[name]
        if component.api:
            yield from _entry(place, access, component.api, component.title)
    yield ExclusiveIdentityCatalog(
        access=access, component="identity", reason="an endpoint that the site does not name leaves"
    )
    yield from _projects(place, access)
    yield from _services(place, access)


def _entry(place: Place, access: IdentityAccess, api: Api, title: str) -> Iterator[Resource]:
    """A service of the catalog and its endpoints. Without a public one tenants do not find it."""
    path = f"{api.prefix}{api.path}"
    urls = {"admin": place.inner(path), "internal": place.inner(path)}
    if api.public and place.site.nodes_with(Role.API):
        urls["public"] = place.outer(path)
    yield IdentityService(
        access=access, service=api.service, type=api.type, component="identity", reason=f"{title} in the catalog"
    )
    for interface, url in urls.items():
        yield IdentityEndpoint(
            access=access,
            service=api.service,
            interface=interface,
            url=url,
            region=place.site.region,
            component="identity",
            reason=f"the {interface} way to {title}",
        )


def _services(place: Place, access: IdentityAccess) -> Iterator[Resource]:
    """The users as whom services call each other, in a project of their own."""
    users = {user.name: user for name in place.placed if (user := place.catalog[name].user)}
    why = "services call each other as their own users"
    yield IdentityProject(access=access, project=openstack.PROJECT, component="identity", reason=why)
    for user in users.values():
        for generation in place.rotation.good(user.password):
            name = user.account(generation)
            yield IdentityUser(
                access=access, user=name, password=hole(user.password, generation), component="identity", reason=why
            )
            for role in user.roles:
                yield IdentityAssignment(
                    access=access,
                    user=name,
                    role=role,
                    project=openstack.PROJECT,
                    component="identity",
                    reason=f"what {name} may do for others",
                )
    good = {user.account(each) for user in users.values() for each in place.rotation.good(user.password)}
    both = {user.account(each) for user in users.values() for each in (0, 1)}
    yield GoneIdentityUsers(
        access=access,
        users=tuple(sorted(both - good)),
        component="identity",
        reason="a service's user whose password was rotated leaves when nobody logs in as it any more",
        # Services of other nodes that log in as these users wait for it.
        publishes=(place.milestone,),
    )


def _projects(place: Place, access: IdentityAccess) -> Iterator[Resource]:
    for project, it in place.site.projects.items():
        why = f"the site's project {project} with its first member"
        yield IdentityProject(access=access, project=project, component="identity", reason=why)
        yield IdentityUser(
            access=access,
            user=it.user,
            password=place.rotation.used(member_password(project, it.user)),
            component="identity",
            reason=why,
        )
        yield IdentityAssignment(
            access=access, user=it.user, role=_MEMBER, project=project, component="identity", reason=why
        )


COMPONENT = Component(
    name="identity",
    title="accounts and catalog",
    roles=(Role.CONTROL,),
    account=ROOT,
    calls=(Call("management-door", "https", "Wallcloud makes accounts and catalog", same_node=True),),
    resources=resources,
)
