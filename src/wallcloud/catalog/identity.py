"""The cloud's accounts and catalog, made through Keystone's own API at the management door."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import keystone, keystone_cache, tls
from wallcloud.catalog.component import ROOT, Call, Component
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import (
    ExclusiveIdentityCatalog,
    IdentityAccess,
    IdentityAssignment,
    IdentityBootstrap,
    IdentityEndpoint,
    IdentityProject,
    IdentityService,
    IdentityUser,
)
from wallcloud.node.secret import Secret
from wallcloud.site.model import Role

ADMIN = "admin"
ADMIN_PROJECT = "admin"
ADMIN_PASSWORD = "identity-admin"  # noqa: S105 - the name of a secret
_MEMBER = "member"


def member_password(project: str, user: str) -> str:
    """The name of the secret that is the password of a project's first member."""
    return f"identity-{project}-{user}"


def resources(place: Place) -> Iterator[Resource]:
    """The admin, the catalog with both doors, the first projects."""
    inner = f"https://{place.internal_name()}/identity/v3"
    access = IdentityAccess(url=inner, ca=tls.CA, password=Secret(ADMIN_PASSWORD), admin=ADMIN, project=ADMIN_PROJECT)
    yield IdentityBootstrap(
        access=access,
        argv=(f"{place.environment}/bin/keystone-manage", "--config-file", keystone.CONFIG, "bootstrap"),
        account=keystone_cache.ACCOUNT.name,
        region=place.site.region,
        component="identity",
        reason="the admin, and Keystone's own roles",
    )
    yield IdentityService(
        access=access, service="keystone", type="identity", component="identity", reason="Keystone in the catalog"
    )
    for interface, url in _endpoints(place, inner):
        yield IdentityEndpoint(
            access=access,
            service="keystone",
            interface=interface,
            url=url,
            region=place.site.region,
            component="identity",
            reason=f"the {interface} way to Keystone",
        )
    yield ExclusiveIdentityCatalog(
        access=access, component="identity", reason="an endpoint that the site does not name leaves"
    )
    yield from _projects(place, access)


def _endpoints(place: Place, inner: str) -> Iterator[tuple[str, str]]:
    yield "admin", inner
    yield "internal", inner
    if place.site.nodes_with(Role.API):
        yield "public", f"https://{place.site.domain}/identity/v3"


def _projects(place: Place, access: IdentityAccess) -> Iterator[Resource]:
    for project, it in place.site.projects.items():
        why = f"the site's project {project} with its first member"
        yield IdentityProject(access=access, project=project, component="identity", reason=why)
        yield IdentityUser(
            access=access,
            user=it.user,
            password=Secret(member_password(project, it.user)),
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
