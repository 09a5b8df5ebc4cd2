"""Groups and system accounts with fixed numbers: no password, no shell."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.accounts import Accounts, accounts, rewrite
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, changed
from wallcloud.node.run import run

NOLOGIN = "/usr/sbin/nologin"
TAKEN = "the number may belong to another already: getent passwd; getent group"


@frozen(kw_only=True)
class Group(Resource):
    """A group. Members that no Account of the spec accounts for are `strangers` and leave it."""

    kind: ClassVar[str] = "group"
    group: str
    gid: int

    @property
    def name(self) -> str:
        return self.group

    def desired(self, ctx: Context) -> State:
        return {"gid": self.gid, "strangers": ()}

    def read(self, ctx: Context) -> State | None:
        found = accounts(ctx).groups.get(self.group)
        if found is None:
            return None
        ours = {each.account for each in ctx.resources if isinstance(each, Account) and self.group in each.groups}
        return {"gid": found.gid, "strangers": tuple(each for each in found.members if each not in ours)}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        found = accounts(ctx).groups.get(self.group)
        if found is None:
            run(("groupadd", "--system", "--gid", str(self.gid), self.group), hint=TAKEN)
            return
        if found.gid != self.gid:
            run(("groupmod", "--gid", str(self.gid), self.group), hint=TAKEN)
        state = self.read(ctx) or {}
        strangers = state.get("strangers")
        for stranger in strangers if isinstance(strangers, tuple) else ():
            run(("gpasswd", "--delete", stranger, self.group))


@frozen(kw_only=True)
class Account(Resource):
    """A system account: nologin shell, password locked, in `group` and exactly `groups` besides."""

    kind: ClassVar[str] = "account"
    account: str
    uid: int
    group: str
    home: str = "/nonexistent"
    groups: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.account

    def desired(self, ctx: Context) -> State:
        return {
            "uid": self.uid,
            "group": self.group,
            "home": self.home,
            "shell": NOLOGIN,
            "groups": tuple(sorted(self.groups)),
            "locked": True,
        }

    def read(self, ctx: Context) -> State | None:
        known = accounts(ctx)
        found = known.accounts.get(self.account)
        if found is None:
            return None
        return {
            "uid": found.uid,
            "group": known.group_name(found.gid),
            "home": found.home,
            "shell": found.shell,
            "groups": known.groups_of(self.account),
            "locked": found.locked,
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        groups = ("--groups", ",".join(sorted(self.groups)))
        known = accounts(ctx)
        found = known.accounts.get(self.account)
        if found is None:
            make = ("useradd", "--system", "--no-create-home", "--no-log-init", "--home-dir", self.home)
            shape = ("--uid", str(self.uid), "--gid", self.group, "--shell", NOLOGIN, *(groups if self.groups else ()))
            run((*make, *shape, self.account), hint=TAKEN)
            return
        if changed(changes, "uid", "group", "home", "shell"):
            self._rewrite(known)
        # not --lock: that keeps the hash behind a "!", and an account of ours has none to go back to
        lock = () if found.locked else ("--password", "!")
        if changed(changes, "groups", "locked"):
            run(("usermod", *groups, *lock, self.account))

    def _rewrite(self, known: Accounts) -> None:
        owner = next((name for name, each in known.accounts.items() if each.uid == self.uid), self.account)
        if owner != self.account:
            raise ResourceFailed(
                f"the number {self.uid} belongs to {owner} already", tried="read /etc/passwd", hint=TAKEN
            )
        if self.group not in known.groups:
            raise ResourceFailed(f"no group {self.group} on this node", tried="read /etc/group")
        rewrite(self.account, self.uid, known.groups[self.group].gid, self.home, NOLOGIN)
