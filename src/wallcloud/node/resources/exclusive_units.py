"""All units of Wallcloud's own: those that the spec does not name leave."""

import fnmatch
import shutil
from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files, systemd
from wallcloud.node.resource import Change, Context, Resource, State


@frozen(kw_only=True)
class ExclusiveUnits(Resource):
    """Units whose names begin with `prefix`, in /etc/systemd/system or running, without a Unit in the spec.

    `keep` holds names or patterns (fnmatch) that stay. Transient units stay: they are programs that run once.
    """

    kind: ClassVar[str] = "exclusive-units"
    prefix: str = "wallcloud-"
    keep: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.prefix}*"

    def desired(self, ctx: Context) -> State:
        return {"strangers": ()}

    def read(self, ctx: Context) -> State | None:
        return {"strangers": self._strangers(ctx)}

    def _strangers(self, ctx: Context) -> tuple[str, ...]:
        paths = {Path(path) for each in ctx.resources for path in each.paths()}
        named = {path.name for path in paths if str(path.parent) == systemd.FOLDER}
        lying = {
            entry.removesuffix(".d")
            for entry in (each.name for each in Path(systemd.FOLDER).iterdir())
            if entry.startswith(self.prefix) and not entry.endswith((".wants", ".requires", ".wallcloud"))
        }
        running = {
            each.unit
            for each in systemd.loaded(ctx).values()
            if each.unit.startswith(self.prefix) and each.active != "inactive"
        }
        strangers = {unit for unit in (lying | running) - named if not self._kept(unit, named)}
        # Where its file is tells a transient unit, which may have ended since; asked about what is strange alone.
        asked = systemd.show(*sorted(unit for unit in strangers - lying if "@." not in unit))
        passing = {
            each.unit
            for each in asked
            if each.active == "inactive" or each.fragment.startswith("/run/systemd/transient/")
        }
        return tuple(sorted(strangers - passing))

    def _kept(self, unit: str, named: set[str]) -> bool:
        template = f"{unit.partition('@')[0]}@.{unit.rpartition('.')[2]}" if "@" in unit else unit
        slice_of_ours = unit.endswith(".slice")  # systemd makes them for templates and names with dashes
        return template in named or slice_of_ours or any(fnmatch.fnmatchcase(unit, kept) for kept in self.keep)

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        strangers = self._strangers(ctx)
        whole = [unit for unit in strangers if "." in unit and not unit.split(".")[0].endswith("-")]
        plain = [unit for unit in whole if "@." not in unit]
        lying = [unit for unit in whole if files.status(systemd.in_etc(unit))]
        running = [each.unit for each in systemd.show(*plain) if each.active != "inactive"]
        if running:
            systemd.systemctl("stop", "--", *running)
        if lying:
            systemd.systemctl("disable", "--quiet", "--", *lying)
        for unit in strangers:
            files.discard(systemd.in_etc(unit))
            shutil.rmtree(f"{systemd.in_etc(unit)}.d", ignore_errors=True)
            (Path("/run/wallcloud/started") / unit).unlink(missing_ok=True)
        systemd.daemon_reload()
        systemd.forget_failures(*running)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        gone = next((each.before for each in changes if isinstance(each.before, tuple)), ())
        return f"stops and removes {', '.join(gone)}" if gone else ""
