"""A file, written in one step; its holes are filled with secrets that no plan shows."""

import difflib
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files
from wallcloud.node.resource import Change, Context, Resource, State, Value, changed, lines, unified
from wallcloud.node.secret import Secret, Text, holes

HIDDEN = "«a line that is not shown»"


@frozen(kw_only=True)
class File(Resource):
    """`content` is the whole text, UTF-8. `mode` is the permission bits."""

    kind: ClassVar[str] = "file"
    path: str
    content: Text
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644

    @property
    def name(self) -> str:
        return self.path

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    def desired(self, ctx: Context) -> State:
        return {
            "type": "file",
            "content": ctx.fill(self.content),
            "owner": self.owner,
            "group": self.group,
            "mode": files.mode_text(self.mode),
        }

    def read(self, ctx: Context) -> State | None:
        found = files.status(self.path)
        if found is None:
            return None
        kind = files.type_of(found, self.path)
        most = max(1 << 20, 4 * len(ctx.fill(self.content)))
        content = files.read_text(self.path, most) if kind == "file" else None
        return {"type": kind, "content": content, **files.owner_of(found)}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if changed(changes, "type", "content"):
            files.write(self.path, ctx.fill(self.content).encode(), self.owner, self.group, self.mode)
        else:
            files.own(self.path, self.owner, self.group, self.mode)

    def alters(self, changes: tuple[Change, ...]) -> tuple[str, ...]:
        return (self.path,) if changed(changes, "type", "content") else ()

    def describe(self, ctx: Context, name: str, before: Value, after: Value) -> Change:
        if name != "content":
            return Resource.describe(self, ctx, name, before, after)
        if holes(self.content):
            return Change(name, None, None, secret=True, diff=masked_diff(self.content, before, ctx))
        if not self._public():
            return Change(name, lines(before), lines(after), diff=masked_diff(self.content, before, ctx))
        return Change(name, lines(before), lines(after), diff=unified(str(before or ""), str(after or "")))

    def _public(self) -> bool:
        """Whether anyone may read the file now, and may afterwards: else what is in it may be an earlier secret."""
        found = files.status(self.path)
        return bool(self.mode & 0o004) and (found is None or bool(found.st_mode & 0o004))


def masked_diff(content: Text, before: Value, ctx: Context) -> str:
    """A unified diff from the file's text to `content` in which no secret, old or new, can stand.

    Of the present file only lines are shown that are equal to a wanted line without a hole.
    """
    plain, filled = set[str](), dict[str, str]()
    wanted: list[str] = []
    for template in _template_lines(content):
        real = ctx.fill(template).splitlines() or [""]
        if holes(template):
            shown = "".join(str(part) for part in template)
            filled.update((line, shown) for line in real)
            wanted += [shown] * len(real)
        else:
            plain.update(real)
            wanted += real
    present = str(before).splitlines() if isinstance(before, str) else []
    current = [line if line in plain else filled.get(line, HIDDEN) for line in present]
    return "\n".join(list(difflib.unified_diff(current, wanted, lineterm="", n=2))[2:])


def _template_lines(content: Text) -> list[tuple[str | Secret, ...]]:
    """The text's lines, each still with its holes."""
    rows: list[list[str | Secret]] = [[]]
    for part in (content,) if isinstance(content, str) else content:
        if isinstance(part, Secret):
            rows[-1].append(part)
            continue
        first, *rest = part.split("\n")
        rows[-1].append(first)
        rows += [[line] for line in rest]
    if rows[-1] == [""]:
        rows.pop()
    return [tuple(row) for row in rows]
