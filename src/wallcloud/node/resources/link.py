"""A symbolic link."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files
from wallcloud.node.resource import Change, Context, Resource, State


@frozen(kw_only=True)
class Link(Resource):
    """`path` points to `target`."""

    kind: ClassVar[str] = "link"
    path: str
    target: str

    @property
    def name(self) -> str:
        return self.path

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    def desired(self, ctx: Context) -> State:
        return {"type": f"link to {self.target}"}

    def read(self, ctx: Context) -> State | None:
        found = files.status(self.path)
        return None if found is None else {"type": files.type_of(found, self.path)}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        files.link(self.path, self.target)
