"""Keystone's beginning: its admin, roles and region, made by its own `bootstrap`."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, State
from wallcloud.node.resources import identity_lists as lists
from wallcloud.node.resources.identity_client import (
    IdentityAccess,
    Missing,
    Refused,
    Session,
    login,
    session,
    session_key,
)
from wallcloud.node.resources.task import as_account
from wallcloud.node.resources.unit import all_run
from wallcloud.node.run import run

ROLES = ("admin", "manager", "member", "reader", "service")
IMPLIED = ("admin implies manager", "manager implies member", "member implies reader")
"""What `keystone-manage bootstrap` of release 2026.2 makes."""


@frozen(kw_only=True)
class IdentityBootstrap(Resource):
    """`argv` (keystone-manage … bootstrap, with no password in it) run as `account`, where the admin gets no token or
    what bootstrap makes is missing. Comes after Keystone's unit: it is read through the API."""

    kind: ClassVar[str] = "identity-bootstrap"
    access: IdentityAccess
    argv: tuple[str, ...]
    account: str
    region: str

    @property
    def name(self) -> str:
        return self.access.admin

    def desired(self, ctx: Context) -> State:
        return {"token": True, "roles": ROLES, "implied": IMPLIED, "system": True, "region": True}

    def read(self, ctx: Context) -> State | None:
        found = login(ctx, self.access)
        if isinstance(found, Missing):
            return {"token": False} if found.refused else None
        roles = lists.things(ctx, self.access, "roles")
        admin = lists.named(lists.things(ctx, self.access, "users"), self.access.admin, "default")
        power = lists.named(roles, "admin")
        assigned = {(each.user, each.role, each.project) for each in lists.assignments(ctx, self.access) or ()}
        return {
            "token": True,
            "roles": tuple(sorted(each.name for each in roles or () if not each.domain and each.name in ROLES)),
            "implied": tuple(each for each in lists.implied(ctx, self.access) or () if each in IMPLIED),
            "system": bool(admin and power and (admin.id, power.id, "") in assigned),
            "region": self.region in (lists.regions(ctx, self.access) or ()),
        }

    def ahead(self, ctx: Context) -> None:
        if all_run(ctx) and self.read(ctx) is not None:
            lists.services(ctx, self.access)
            lists.endpoints(ctx, self.access)
            lists.things(ctx, self.access, "projects")

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        secret = ctx.secret(self.access.password.name)
        environment = {
            "OS_BOOTSTRAP_USERNAME": self.access.admin,
            "OS_BOOTSTRAP_PROJECT_NAME": self.access.project,
            "OS_BOOTSTRAP_ROLE_NAME": "admin",
            "OS_BOOTSTRAP_REGION_ID": self.region,
            "OS_BOOTSTRAP_PASSWORD": secret,
        }
        run((*as_account(self.account), *self.argv), timeout=600, environment=environment)
        ctx.forget(session_key(self.access))
        self._enable_project(ctx, secret)

    def _enable_project(self, ctx: Context, secret: str) -> None:
        """The admin's project, which bootstrap leaves disabled where it is: then only a system-wide token is issued."""
        door = Session(self.access, secret)
        try:
            door.login()
        except Refused:
            admin = {"name": self.access.admin, "domain": {"id": "default"}}
            door.token = door.authenticate(admin, secret, {"system": {"all": True}})
            for each in door.call("GET", f"/projects?domain_id=default&name={self.access.project}")["projects"]:
                door.call("PATCH", f"/projects/{each['id']}", {"project": {"enabled": True}})

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "revokes the admin's tokens" if any(each.before is False for each in changes) else ""


@frozen(kw_only=True)
class IdentityRole(Resource):
    """A role of no domain."""

    kind: ClassVar[str] = "identity-role"
    access: IdentityAccess
    role: str

    @property
    def name(self) -> str:
        return self.role

    def desired(self, ctx: Context) -> State:
        return {"exists": True}

    def read(self, ctx: Context) -> State | None:
        return {"exists": True} if lists.named(lists.things(ctx, self.access, "roles"), self.role) else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        session(ctx, self.access).call("POST", "/roles", {"role": {"name": self.role}})
