"""A directory, its owner and mode; an exclusive one holds nothing that the spec does not name."""

import shutil
from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, Value, changed


@frozen(kw_only=True)
class Directory(Resource):
    """`exclusive`: whatever lies in it and no resource of the spec names is removed (`strangers`)."""

    kind: ClassVar[str] = "directory"
    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755
    exclusive: bool = False

    @property
    def name(self) -> str:
        return self.path

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    def desired(self, ctx: Context) -> State:
        state: dict[str, Value] = {
            "type": "directory",
            "owner": self.owner,
            "group": self.group,
            "mode": files.mode_text(self.mode),
        }
        return {**state, "strangers": ()} if self.exclusive else state

    def read(self, ctx: Context) -> State | None:
        found = files.status(self.path)
        if found is None:
            return None
        state: dict[str, Value] = {"type": files.type_of(found, self.path), **files.owner_of(found)}
        if self.exclusive:
            state["strangers"] = self._strangers(ctx) if state["type"] == "directory" else ()
        return state

    def _strangers(self, ctx: Context) -> tuple[str, ...]:
        named = ctx.kept("paths", lambda: frozenset(path for each in ctx.resources for path in each.paths()))
        prefix = self.path.rstrip("/") + "/"
        kept = {path[len(prefix) :].split("/")[0] for path in named if path.startswith(prefix)}
        return tuple(sorted({each.name for each in Path(self.path).iterdir()} - kept))

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        found = files.status(self.path)
        if found is not None and files.type_of(found, self.path).startswith("link"):
            files.discard(self.path)  # a link holds no data
            found = None
        elif found is not None and files.type_of(found, self.path) != "directory":
            raise ResourceFailed(
                f"a {files.type_of(found, self.path)} stands where the directory {self.path} must be",
                tried=f"mkdir {self.path}",
                hint=f"look at it, then move it away: mv {self.path} {self.path}.old",
            )
        if found is None:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            Path(self.path).mkdir(0o700)
        if found is None or changed(changes, "owner", "group", "mode", "type"):
            files.own(self.path, self.owner, self.group, self.mode)
        if self.exclusive:
            for stranger in self._strangers(ctx):
                _remove(Path(self.path) / stranger)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        gone = next((each.before for each in changes if each.property == "strangers" and each.before), None)
        return f"removes {', '.join(f'{self.path}/{name}' for name in gone)}" if isinstance(gone, tuple) else ""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        if any(line.split()[4] == str(path) or line.split()[4].startswith(f"{path}/") for line in mounts):
            raise ResourceFailed(
                f"{path} is not of this cloud, but something is mounted there",
                tried=f"remove {path}",
                hint=f"unmount it, or name it in the spec: umount {path}",
            )
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
