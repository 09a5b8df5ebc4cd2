"""Something that is done once: a program that makes a path."""

import pwd
from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.run import run
from wallcloud.node.secret import Text


@frozen(kw_only=True)
class Task(Resource):
    """`argv`, run as `account` with `environment` until the path `creates` exists.

    It must make that path last, or by a rename: a path that exists is taken for work well done.
    """

    kind: ClassVar[str] = "task"
    aside: ClassVar[bool] = True
    task: str
    argv: tuple[str, ...]
    creates: str
    account: str = "root"
    environment: tuple[tuple[str, Text], ...] = ()
    seconds: int = 600

    @property
    def name(self) -> str:
        return self.task

    def desired(self, ctx: Context) -> State:
        return {"done": True}

    def read(self, ctx: Context) -> State | None:
        return {"done": True} if Path(self.creates).exists() else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        environment = {name: ctx.fill(value) for name, value in self.environment}
        run((*as_account(self.account), *self.argv), timeout=self.seconds, environment=environment)
        if not Path(self.creates).exists():
            raise ResourceFailed(f"{self.argv[0]} ended well but made no {self.creates}", tried=" ".join(self.argv))


def as_account(account: str) -> tuple[str, ...]:
    """The words before a command that run it as `account`: its groups, no capability, USER and HOME its own.
    Raises ResourceFailed where there is no such account."""
    if account == "root":
        return ()
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        raise ResourceFailed(f"there is no account {account}", hint="an Account resource must come first") from None
    return (
        *("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups", "--no-new-privs"),
        *("--inh-caps=-all", "env", f"USER={account}", f"LOGNAME={account}", f"HOME={entry.pw_dir}"),
    )
