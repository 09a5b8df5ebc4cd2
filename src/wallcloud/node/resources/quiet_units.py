"""Services that shall forget what they know: before the cloud's databases become those of another moment."""

from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files, systemd
from wallcloud.node.resource import Change, Context, Resource, State

NOTE = "/run/wallcloud/quiet"


@frozen(kw_only=True)
class QuietUnits(Resource):
    """`units` were stopped once for `cause`; their own resources, which come later, start them again.

    A note of it lies where the next boot takes it away: what starts with the node knows nothing old.
    """

    kind: ClassVar[str] = "quiet-units"
    units: tuple[str, ...]
    cause: str

    @property
    def name(self) -> str:
        return f"for {self.cause[:8]}"

    def desired(self, ctx: Context) -> State:
        return {"stopped for": self.cause}

    def read(self, ctx: Context) -> State | None:
        try:
            return {"stopped for": Path(NOTE).read_text(encoding="ascii").strip()}
        except FileNotFoundError:
            return None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        there = systemd.loaded(ctx)
        running = sorted(unit for unit in self.units if unit in there and there[unit].active != "inactive")
        if running:
            # All in one call: a service that a socket starts is stopped with its socket.
            systemd.systemctl("stop", "--", *running)
        files.write(NOTE, f"{self.cause}\n".encode(), "root", "root", 0o600)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "OpenStack's services stop until their databases are loaded"
