"""A network interface, live: a VLAN made on another, or one that the machine has."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.network import Live, interfaces
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, Value
from wallcloud.node.run import run


@frozen(kw_only=True)
class Interface(Resource):
    """`link` and `vlan` (IEEE 802.1Q, 1..4094) make `interface`; without them it is a card that must exist.

    `addresses` are CIDRs, exactly these of global scope; untouched where not `managed_addresses` (the address that
    SSH arrives on). `mtu` in bytes.
    """

    kind: ClassVar[str] = "interface"
    interface: str
    link: str | None = None
    vlan: int | None = None
    addresses: tuple[str, ...] = ()
    mtu: int = 1500
    up: bool = True
    managed_addresses: bool = True

    @property
    def name(self) -> str:
        return self.interface

    def desired(self, ctx: Context) -> State:
        state: dict[str, Value] = {"mtu": self.mtu, "up": self.up}
        if self.managed_addresses:
            state["addresses"] = tuple(sorted(self.addresses))
        if self.vlan is not None:
            state["link"] = f"vlan {self.vlan} on {self.link}"
        return state

    def read(self, ctx: Context) -> State | None:
        found = interfaces(ctx).get(self.interface)
        if found is None:
            return None
        what = f"vlan {found.vlan} on {found.link}" if found.kind == "vlan" else found.kind or "a card"
        return {"mtu": found.mtu, "up": found.up, "addresses": found.addresses, "link": what}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        found = self._made(interfaces(ctx).get(self.interface))
        if found.mtu != self.mtu:
            run(("ip", "link", "set", "dev", self.interface, "mtu", str(self.mtu)))
        if self.managed_addresses:
            for address in sorted(set(found.addresses) - set(self.addresses)):
                run(("ip", "address", "del", address, "dev", self.interface))
            # all of them: the kernel takes away others of the same subnet with their primary
            for address in self.addresses if set(self.addresses) != set(found.addresses) else ():
                run(("ip", "address", "replace", address, "dev", self.interface, *_broadcast(address)))
        if found.up != self.up:
            run(("ip", "link", "set", "dev", self.interface, "up" if self.up else "down"))

    def _made(self, found: Live | None) -> Live:
        """The interface as it stands, after it was made where it is ours to make."""
        if self.vlan is None or self.link is None:
            if found is None:
                raise ResourceFailed(
                    f"this node has no interface {self.interface}",
                    tried="ip -j addr show",
                    hint="name the card of this network in the site file; the facts list those that there are",
                )
            return found
        if found is not None and (found.kind, found.vlan, found.link) == ("vlan", self.vlan, self.link):
            return found
        if found is not None:
            run(("ip", "link", "del", "dev", self.interface))
        number = str(self.vlan)
        run(("ip", "link", "add", "link", self.link, "name", self.interface, "type", "vlan", "id", number))
        return Live(self.interface, mtu=0, up=False, addresses=())

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return f"interrupts {self.interface}" if any(each.before is not None for each in changes) else ""


def _broadcast(address: str) -> tuple[str, ...]:
    small = address.endswith(("/32", "/31", "/128"))
    return () if ":" in address or small else ("broadcast", "+")
