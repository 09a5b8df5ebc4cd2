"""The node's firewall: one nftables table, replaced in one step and rolled back unless a new connection proves it."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import nft, rollback
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State

MARGIN_SECONDS = 5
"""How much later the node's own timer fires than the deployer is told."""

ACQUAINTANCE = """table inet {table} {{
    chain input {{ type filter hook input priority filter; policy accept; ct state new accept; }}
    chain output {{ type filter hook output priority filter; policy accept; ct state new accept; }}
}}
"""
"""Loaded before a node's first rules: connection tracking begins with a rule that asks for it, and the session is not
known to it. Rules that drop would take its packets to the deployer for an attempt to leave, and it would stand still
until the deployer's next keep-alive. An answer of the deployer over the session shows that it is known now."""


@frozen(kw_only=True)
class Ruleset(Resource):
    """`text` is what `nft -f` reads; of it only table `inet <table>` is compared (by listing, without counters).

    Numbers for accounts and `iifname` for interfaces, please: the text is also loaded in an empty network namespace.
    """

    kind: ClassVar[str] = "ruleset"
    text: str
    table: str = "wallcloud"
    confirm_seconds: int = 30

    @property
    def name(self) -> str:
        return f"inet {self.table}"

    def desired(self, ctx: Context) -> State:
        if not nft.present():
            return {"rules": self.text, "confirmed": True}
        try:
            return {"rules": nft.normal(self.table, self.text), "confirmed": True}
        except ResourceFailed:
            if ctx.planning:  # an account that the rules name may not be there yet
                return {"rules": self.text, "confirmed": True}
            raise

    def read(self, ctx: Context) -> State | None:
        listing = nft.listing(self.table) if nft.present() else None
        return None if listing is None else {"rules": listing, "confirmed": not rollback.armed(self.table)}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        old = nft.listing(self.table)
        token = rollback.arm(self.table, old, self.confirm_seconds + MARGIN_SECONDS)
        try:
            if old is None:
                nft.replace(self.table, ACQUAINTANCE.format(table=self.table))
                if not ctx.confirm(self.confirm_seconds):
                    rollback.now(token)
            nft.replace(self.table, self.text)
        except BaseException:
            rollback.disarm(token)
            raise
        confirmed = False
        try:
            confirmed = ctx.confirm(self.confirm_seconds)
        finally:
            if not confirmed:
                rollback.now(token)
        if not rollback.disarm(token):
            raise ResourceFailed("the confirmation came too late: the old rules are back", tried="nft -f -")

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "replaces the firewall's rules; established connections stay"
