"""Projects, users and their roles in Keystone."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, changed
from wallcloud.node.resources import identity_lists as lists
from wallcloud.node.resources import identity_password
from wallcloud.node.resources.identity_client import IdentityAccess, Session, login, session
from wallcloud.node.secret import Secret


@frozen(kw_only=True)
class IdentityProject(Resource):
    """A project of a domain that exists."""

    kind: ClassVar[str] = "identity-project"
    access: IdentityAccess
    project: str
    domain: str = "Default"
    description: str = ""

    @property
    def name(self) -> str:
        return self.project

    def desired(self, ctx: Context) -> State:
        return {"enabled": True, "description": self.description}

    def read(self, ctx: Context) -> State | None:
        found = project(ctx, self.access, self.project, self.domain)
        return {"enabled": found.enabled, "description": found.description} if found else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted = dict(self.desired(ctx))
        found, door = project(ctx, self.access, self.project, self.domain), session(ctx, self.access)
        if found:
            door.call("PATCH", f"/projects/{found.id}", {"project": wanted})
        else:
            where = domain(ctx, self.access, self.domain)
            door.call("POST", "/projects", {"project": {**wanted, "name": self.project, "domain_id": where}})


@frozen(kw_only=True)
class IdentityUser(Resource):
    """A user with the password that the site holds."""

    kind: ClassVar[str] = "identity-user"
    hidden: ClassVar[frozenset[str]] = frozenset({"password"})
    access: IdentityAccess
    user: str
    password: Secret
    domain: str = "Default"
    description: str = ""

    @property
    def name(self) -> str:
        return self.user

    def desired(self, ctx: Context) -> State:
        return {"enabled": True, "description": self.description, "password": True}

    def read(self, ctx: Context) -> State | None:
        found, door = user(ctx, self.access, self.user, self.domain), login(ctx, self.access)
        if found is None or not isinstance(door, Session):
            return None
        return {
            "enabled": found.enabled,
            "description": found.description,
            # nobody can tell for a user who may not log in
            "password": found.enabled and identity_password.holds(ctx, door, found.id, ctx.secret(self.password.name)),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted = {"enabled": True, "description": self.description}
        secret = {"password": ctx.secret(self.password.name)}
        found, door = user(ctx, self.access, self.user, self.domain), session(ctx, self.access)
        if found is None:
            where = domain(ctx, self.access, self.domain)
            door.call("POST", "/users", {"user": {**wanted, **secret, "name": self.user, "domain_id": where}})
            return
        # setting a password, even the same one, revokes the user's tokens: only where it is wrong
        door.call("PATCH", f"/users/{found.id}", {"user": wanted})
        if changed(changes, "password") and not identity_password.check(ctx, door, found.id, secret["password"]):
            door.call("PATCH", f"/users/{found.id}", {"user": secret})

    def consequence(self, changes: tuple[Change, ...]) -> str:
        existing = any(each.before is not None for each in changes) or len(changes) == 1
        return "revokes the user's tokens" if existing and changed(changes, "password") else ""


@frozen(kw_only=True)
class GoneIdentityUsers(Resource):
    """Users of Wallcloud's own that are not there any more; other users are not looked at."""

    kind: ClassVar[str] = "gone-identity-users"
    access: IdentityAccess
    users: tuple[str, ...]
    domain: str = "Default"

    @property
    def name(self) -> str:
        return "users out of use"

    def desired(self, ctx: Context) -> State:
        return {"there": ()}

    def read(self, ctx: Context) -> State | None:
        if lists.things(ctx, self.access, "users") is None:
            return None
        return {"there": tuple(each for each in self.users if user(ctx, self.access, each, self.domain))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        door = session(ctx, self.access)
        for each in self.users:
            found = user(ctx, self.access, each, self.domain)
            if found:
                door.call("DELETE", f"/users/{found.id}")

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "their tokens are refused from now on" if any(each.before for each in changes) else ""


@frozen(kw_only=True)
class IdentityAssignment(Resource):
    """A role of a user on a project, or on the whole system (`project` None, `system` True)."""

    kind: ClassVar[str] = "identity-assignment"
    access: IdentityAccess
    user: str
    role: str
    project: str | None = None
    system: bool = False
    user_domain: str = "Default"
    project_domain: str = "Default"

    def __post_init__(self) -> None:
        if bool(self.project) == self.system:
            raise ValueError(f"{self.user}: a role is either on a project or on the system")

    @property
    def name(self) -> str:
        return f"{self.user}: {self.role} on {self.project or 'the system'}"

    def desired(self, ctx: Context) -> State:
        return {"exists": True}

    def read(self, ctx: Context) -> State | None:
        wanted = self._wanted(ctx)
        return {"exists": True} if wanted and wanted in (lists.assignments(ctx, self.access) or ()) else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted, door = self._wanted(ctx), session(ctx, self.access)
        if wanted is None:
            raise ResourceFailed(f"no such user, role or project: {self.name}", hint="they must come first in the spec")
        where = f"/projects/{wanted.project}" if wanted.project else "/system"
        door.call("PUT", f"{where}/users/{wanted.user}/roles/{wanted.role}")

    def _wanted(self, ctx: Context) -> lists.Assignment | None:
        who = user(ctx, self.access, self.user, self.user_domain)
        role = lists.named(lists.things(ctx, self.access, "roles"), self.role)
        place = project(ctx, self.access, self.project, self.project_domain) if self.project else None
        if not (who and role and (place or self.system)):
            return None
        return lists.Assignment(who.id, role.id, place.id if place else "")


def user(ctx: Context, access: IdentityAccess, name: str, domain: str) -> lists.Thing | None:
    """The user of that name."""
    return lists.named(lists.things(ctx, access, "users"), name, lists.domain_id(ctx, access, domain))


def project(ctx: Context, access: IdentityAccess, name: str, domain: str) -> lists.Thing | None:
    """The project of that name."""
    return lists.named(lists.things(ctx, access, "projects"), name, lists.domain_id(ctx, access, domain))


def domain(ctx: Context, access: IdentityAccess, name: str) -> str:
    """A domain's id. Raises ResourceFailed where there is none."""
    found = lists.domain_id(ctx, access, name)
    if not found:
        raise ResourceFailed(f"there is no domain {name}")
    return found
