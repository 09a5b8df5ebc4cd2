"""Keystone's keys change: a new one is made beside those that are in use, and the oldest goes."""

from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, State
from wallcloud.node.resources.task import as_account
from wallcloud.node.run import run


@frozen(kw_only=True)
class KeyRotation(Resource):
    """The keys in `folder` changed last at `since` (seconds since 1970) or later, or not more than `young` seconds
    before: what was made with a key must be over before the key goes. Else `commands` run as `account`, in order.

    Each change makes the key 0 anew (keystone.common.fernet_utils): its time is that of the last change.
    """

    kind: ClassVar[str] = "key-rotation"
    aside: ClassVar[bool] = True
    keys: str
    folder: str
    since: int
    commands: tuple[tuple[str, ...], ...]
    account: str
    young: int = 0

    @property
    def name(self) -> str:
        return self.keys

    def desired(self, ctx: Context) -> State:
        return {"rotated": True}

    def read(self, ctx: Context) -> State | None:
        try:
            last = (Path(self.folder) / "0").stat().st_mtime
        except FileNotFoundError:
            return None
        return {"rotated": last >= self.since - self.young}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        for argv in self.commands:
            run((*as_account(self.account), *argv), timeout=300)
