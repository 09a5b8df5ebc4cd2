"""One route of the main table, live."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.network import routes
from wallcloud.node.resource import Change, Context, Resource, State
from wallcloud.node.run import run


@frozen(kw_only=True)
class Route(Resource):
    """`to` is a CIDR, an address or "default"; `via` a gateway; `dev` an interface."""

    kind: ClassVar[str] = "route"
    to: str
    via: str | None = None
    dev: str | None = None

    @property
    def name(self) -> str:
        return self.to

    @property
    def _to(self) -> str:
        """As `ip -j` writes it: a host without its prefix length."""
        return self.to.removesuffix("/32").removesuffix("/128")

    def desired(self, ctx: Context) -> State:
        state = {"via": self.via} if self.via is not None else {}
        return {**state, **({"dev": self.dev} if self.dev is not None else {})} or {"to": self.to}

    def read(self, ctx: Context) -> State | None:
        found = [each for each in routes(ctx) if each.to == self._to]
        if not found:
            return None
        best = next((each for each in found if each.via == self.via and self.dev in {None, each.dev}), found[0])
        return {"via": best.via, "dev": best.dev, "to": self.to}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        family = ("-6",) if ":" in f"{self.to}{self.via or ''}" else ()
        via = ("via", self.via) if self.via is not None else ()
        dev = ("dev", self.dev) if self.dev is not None else ()
        run(("ip", *family, "route", "replace", self.to, *via, *dev))

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return f"moves traffic to {self.to}" if any(each.before is not None for each in changes) else ""
