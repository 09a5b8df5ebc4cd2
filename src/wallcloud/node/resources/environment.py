"""The Python environment of OpenStack: a folder that is unpacked beside and renamed to its place."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from wallcloud.node import files
from wallcloud.node.resource import Change, Context, Resource, State
from wallcloud.node.run import run

MARK = ".wallcloud-digest"


@dataclass(frozen=True, kw_only=True)
class Environment(Resource):
    """`digest` is the sha256 of a gzip'ed tar (a blob) whose every time is 0, owner root, without a leading folder.

    `altered`: files in it that were changed, added or taken away since, seen by their times and owners.
    """

    kind: ClassVar[str] = "environment"
    path: str
    digest: str

    @property
    def name(self) -> str:
        return self.path

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    def desired(self, ctx: Context) -> State:
        return {"digest": self.digest, "altered": ()}

    def read(self, ctx: Context) -> State | None:
        try:
            mark = (Path(self.path) / MARK).read_text().strip()
        except OSError:
            return None if files.status(self.path) is None else {"digest": None, "altered": ()}
        return {"digest": mark, "altered": ctx.cached(f"altered {self.path}", self._altered)}

    def ahead(self, ctx: Context) -> None:
        self.read(ctx)

    def _altered(self) -> tuple[str, ...]:
        """At most three, and that there are more. find(1) is three times as fast as os.walk."""
        argv = ("find", self.path, "-xdev", "(", "-newermt", "@0", "-o", "!", "-uid", "0", ")", "-printf", "%P\\n")
        names = sorted(line or "." for line in run(argv, check=False).stdout.splitlines())
        return (*names[:3], f"and {len(names) - 3} more") if len(names) > 3 else tuple(names)

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        archive = ctx.blobs((self.digest,))[self.digest]
        beside, old = files.temporary(self.path), f"{files.temporary(self.path)}-old"
        for leftover in (beside, old):
            shutil.rmtree(leftover, ignore_errors=True)
        Path(beside).mkdir(0o755, parents=True)
        ctx.note(f"unpack {self.path}")
        run(
            ("tar", "--extract", "--gzip", "--same-owner", "--same-permissions", "-f", str(archive), "-C", beside),
            timeout=900,
        )
        (Path(beside) / MARK).write_text(self.digest + "\n")
        for each in (Path(beside) / MARK, Path(beside)):
            each.chmod(0o755 if each.is_dir() else 0o644)
            os.utime(each, (0, 0))
        run(("sync", "--file-system", beside), timeout=300)
        if files.status(self.path) is not None:
            Path(self.path).rename(old)
        Path(beside).rename(self.path)
        files.sync(str(Path(self.path).parent))
        shutil.rmtree(old, ignore_errors=True)
        archive.unlink(missing_ok=True)
