"""What Keystone holds, as small typed records: each list is asked for once until something is applied."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context
from wallcloud.node.resources.identity_client import Away, IdentityAccess, Session, login

T = TypeVar("T")
JSON = Mapping[str, Any]


@frozen
class Thing:
    """A user, project, role or domain. `domain` is an id; "" where there is none (global roles)."""

    id: str
    name: str
    domain: str
    enabled: bool
    description: str


@frozen
class Service:
    id: str
    name: str
    type: str
    enabled: bool
    description: str

    @property
    def text(self) -> str:
        return f"{self.name} ({self.type})"


@frozen
class Endpoint:
    """`service` is an id."""

    id: str
    service: str
    interface: str
    region: str
    url: str
    enabled: bool


@frozen
class Assignment:
    """A role of a user, all ids. `project` "" = on the whole system; roles on domains and of groups are left out."""

    user: str
    role: str
    project: str


def things(ctx: Context, access: IdentityAccess, what: str) -> tuple[Thing, ...] | None:
    """All "users", "projects", "roles" or "domains"; None where Keystone cannot be asked (yet)."""
    return _listed(ctx, access, what, f"/{what}", _thing)


def services(ctx: Context, access: IdentityAccess) -> tuple[Service, ...] | None:
    return _listed(ctx, access, "services", "/services", _service)


def endpoints(ctx: Context, access: IdentityAccess) -> tuple[Endpoint, ...] | None:
    return _listed(ctx, access, "endpoints", "/endpoints", _endpoint)


def regions(ctx: Context, access: IdentityAccess) -> tuple[str, ...] | None:
    return _listed(ctx, access, "regions", "/regions", lambda each: str(each["id"]))


def assignments(ctx: Context, access: IdentityAccess) -> tuple[Assignment, ...] | None:
    found = _listed(ctx, access, "role_assignments", "/role_assignments", _assignment)
    return None if found is None else tuple(each for each in found if each is not None)


def implied(ctx: Context, access: IdentityAccess) -> tuple[str, ...] | None:
    """Implied roles: "admin implies manager", …"""
    found = _listed(ctx, access, "role_inferences", "/role_inferences", _inferences)
    return None if found is None else tuple(sorted(each for group in found for each in group))


def named(found: tuple[Thing, ...] | None, name: str, domain: str = "") -> Thing | None:
    """The one of that name, in the domain with that id ("" = of no domain)."""
    return next((each for each in found or () if (each.name, each.domain) == (name, domain)), None)


def domain_id(ctx: Context, access: IdentityAccess, name: str) -> str:
    """The id of a domain; "" where there is none of that name. Default's is fixed (`[identity] default_domain_id`)."""
    if name == "Default":
        return "default"
    found = named(things(ctx, access, "domains"), name)
    return found.id if found else ""


def _listed(
    ctx: Context, access: IdentityAccess, key: str, path: str, make: Callable[[JSON], T]
) -> tuple[T, ...] | None:
    def ask() -> tuple[T, ...] | None:
        session = login(ctx, access)
        if not isinstance(session, Session):
            return None
        try:
            return tuple(make(each) for each in session.call("GET", path)[key])
        except Away:
            return None

    return ctx.cached(f"identity {access.url} {key}", ask)


def _thing(each: JSON) -> Thing:
    return Thing(
        each["id"],
        each["name"],
        # a project that is a domain's own has the domain as parent; its domain_id is None
        each.get("domain_id") or "",
        bool(each.get("enabled", True)),
        each.get("description") or "",
    )


def _service(each: JSON) -> Service:
    return Service(
        each["id"], each.get("name") or "", each["type"], bool(each["enabled"]), each.get("description") or ""
    )


def _endpoint(each: JSON) -> Endpoint:
    return Endpoint(
        each["id"],
        each["service_id"],
        each["interface"],
        each.get("region_id") or "",
        each["url"],
        bool(each["enabled"]),
    )


def _assignment(each: JSON) -> Assignment | None:
    scope = each["scope"]
    if "user" not in each or "OS-INHERIT:inherited_to" in scope or not ("project" in scope or "system" in scope):
        return None
    return Assignment(each["user"]["id"], each["role"]["id"], scope["project"]["id"] if "project" in scope else "")


def _inferences(each: JSON) -> tuple[str, ...]:
    return tuple(f"{each['prior_role']['name']} implies {role['name']}" for role in each["implies"])
