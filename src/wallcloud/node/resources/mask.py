"""Debian's own units that must not run: masked before their packages come."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files, systemd
from wallcloud.node.resource import Change, Context, Resource, State

MASKED = "link to /dev/null"


@frozen(kw_only=True)
class Mask(Resource):
    """Each of `units` (no templates) is a link to /dev/null in /etc/systemd/system and does not run."""

    kind: ClassVar[str] = "mask"
    units: tuple[str, ...]

    @property
    def name(self) -> str:
        return " ".join(self.units)

    def paths(self) -> tuple[str, ...]:
        return tuple(systemd.in_etc(unit) for unit in self.units)

    def desired(self, ctx: Context) -> State:
        return dict.fromkeys(self.units, "masked")

    def read(self, ctx: Context) -> State | None:
        loaded = systemd.loaded(ctx)
        return {unit: _state(unit, loaded.get(unit, systemd.Status(unit))) for unit in self.units}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wrong = tuple(change.property for change in changes)
        for unit in wrong:
            files.link(systemd.in_etc(unit), "/dev/null")
        systemd.daemon_reload()
        running = [each.unit for each in systemd.show(*wrong) if each.active not in {"inactive", "failed"}]
        if running:
            # a unit that systemd has forgotten by masking is stopped all the same by name
            systemd.systemctl("stop", "--", *wrong)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        stopped = [each.property for each in changes if "running" in str(each.before)]
        return f"stops {', '.join(stopped)}" if stopped else ""


def _state(unit: str, status: systemd.Status) -> str:
    path = systemd.in_etc(unit)
    found = files.status(path)
    masked = found is not None and files.type_of(found, path) == MASKED
    stale = masked and status.load not in {"masked", "not-found"}
    runs = status.active not in {"inactive", "failed"}
    words = [
        "masked" if masked else "not masked",
        *(["not loaded so"] if stale else []),
        *(["running"] if runs else []),
    ]
    return ", ".join(words)
