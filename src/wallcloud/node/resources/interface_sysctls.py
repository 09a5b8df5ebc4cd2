"""Kernel parameters of all network interfaces of the node: those that were there before, and those that come later.

`all` is no lid: for some parameters the kernel takes the larger of `all` and the interface's own, for some either of
them is enough (redirects, proxy ARP), and some are the interface's alone (forwarding, disable_ipv6): ip-sysctl.rst.
"""

from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, State

_ROOT = Path("/proc/sys/net")
_FIRST = ("all", "default")
"""Before the others: the kernel copies some of `all` to every interface; `default` is for those that come later."""


@frozen(kw_only=True)
class InterfaceSysctls(Resource):
    """`ipv4` and `ipv6` are "NAME VALUE" below /proc/sys/net/ipvN/conf/INTERFACE; what a kernel lacks is left out.

    Interfaces in the node's own network namespace: those of routers and DHCP servers are Neutron's.
    """

    kind: ClassVar[str] = "interface-sysctls"
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "every interface"

    def desired(self, ctx: Context) -> State:
        return {"strangers": ()}

    def read(self, ctx: Context) -> State | None:
        """`strangers`: what differs, as sysctl(8) would set it."""
        return {"strangers": tuple(f"{path.relative_to(_ROOT.parent)} = {found}" for path, _, found in self._wrong())}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        for path, value, _ in self._wrong():
            try:
                path.write_text(f"{value}\n")
            except FileNotFoundError:  # a tap that went in between
                continue

    def _wrong(self) -> list[tuple[Path, str, str]]:
        wrong = []
        for family, words in (("ipv4", self.ipv4), ("ipv6", self.ipv6)):
            folder = _ROOT / family / "conf"
            interfaces = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
            for each in (*_FIRST, *sorted(interfaces - set(_FIRST))):
                for key, _, value in (word.partition(" ") for word in words):
                    try:
                        found = (folder / each / key).read_text().strip()
                    except OSError:
                        continue
                    if found != value:
                        wrong.append((folder / each / key, value, found))
        return wrong
