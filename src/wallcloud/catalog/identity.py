"""The cloud's accounts and catalog, made through Keystone's own API at the management door."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog.component import ROOT, Call, Component
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ADMIN = "admin"
ADMIN_PROJECT = "admin"
ADMIN_PASSWORD = "identity-admin"  # noqa: S105 - the name of a secret


def member_password(project: str, user: str) -> str:
    """The name of the secret that is the password of a project's first member."""
    return f"identity-{project}-{user}"


def resources(place: Place) -> Iterator[Resource]:
    """The admin, the catalog's two doors, the first projects."""
    yield from ()


COMPONENT = Component(
    name="identity",
    title="accounts and catalog",
    roles=(Role.CONTROL,),
    account=ROOT,
    calls=(Call("management-door", "https", "Wallcloud makes accounts and catalog", same_node=True),),
    resources=resources,
)
