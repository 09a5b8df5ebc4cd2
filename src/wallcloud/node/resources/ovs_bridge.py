"""A bridge of Open vSwitch: its datapath, what it does without a controller, and the cards plugged into it."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, Value, changed
from wallcloud.node.resources.ovs_client import SOCKET, LiveBridge, LivePort, bridges, vsctl


@frozen(kw_only=True)
class OvsBridge(Resource):
    """Exactly the ports `cards`, and those of others whose names match `others` (fnmatch: what Neutron plugs).

    `datapath` "netdev" is in user space, "system" the kernel's. `mtu` in bytes is that of the bridge's own port.
    `other_config` is KEY=VALUE, of which only these keys are looked at. `controlled`: a program may be its controller.
    """

    kind: ClassVar[str] = "ovs-bridge"
    bridge: str
    datapath: Literal["netdev", "system"]
    fail_mode: Literal["secure", "standalone"] = "secure"
    cards: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    mtu: int = 1500
    other_config: tuple[str, ...] = ()
    controlled: bool = False

    @property
    def name(self) -> str:
        return self.bridge

    def desired(self, ctx: Context) -> State:
        state: dict[str, Value] = {
            "datapath": self.datapath,
            "fail_mode": self.fail_mode,
            "ports": tuple(sorted(self.cards)),
            "mtu": self.mtu,
        }
        if self.other_config:
            state["other_config"] = tuple(sorted(self.other_config))
        return state if self.controlled else {**state, "controllers": 0}

    def read(self, ctx: Context) -> State | None:
        found = (bridges(ctx) or {}).get(self.bridge)
        if found is None:
            return None
        keys = [each.partition("=")[0] for each in self.other_config]
        return {
            "datapath": found.datapath,
            "fail_mode": found.fail_mode,
            "ports": tuple(f"{port.name} ({port.error})" if port.error else port.name for port in self._judged(found)),
            "mtu": found.own.mtu,
            "controllers": found.controllers,
            "other_config": tuple(sorted(f"{key}={found.other_config.get(key, '')}" for key in keys)),
        }

    def _judged(self, found: LiveBridge) -> list[LivePort]:
        return [
            port
            for port in found.ports
            if port.name in self.cards or not any(fnmatchcase(port.name, each) for each in self.others)
        ]

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        live = bridges(ctx)
        if live is None:
            raise ResourceFailed(
                "Open vSwitch's database does not answer",
                tried=f"ovs-vsctl over {SOCKET}",
                hint="systemctl status wallcloud-ovsdb wallcloud-ovs-vswitchd",
            )
        found = live.get(self.bridge)
        words = ["--may-exist", "add-br", self.bridge, "--", "set", "Bridge", self.bridge]
        words += [f"datapath_type={self.datapath}", f"fail_mode={self.fail_mode}", *self._config()]
        words += ["--", "set", "Interface", self.bridge, f"mtu_request={self.mtu}"]
        if not self.controlled:
            words += ["--", "del-controller", self.bridge]
        if found is None or changed(changes, "ports"):
            words += self._ports(live, found)
        vsctl(*words)

    def _config(self) -> list[str]:
        return [f"other_config:{each}" for each in self.other_config]

    def _ports(self, live: Mapping[str, LiveBridge], found: LiveBridge | None) -> list[str]:
        """Strangers leave; cards come, from wherever they are plugged in now."""
        words: list[str] = []
        sound = {port.name for port in self._judged(found) if not port.error} if found else set()
        for port in self._judged(found) if found else []:
            if port.name not in self.cards or port.error:
                words += ["--", "del-port", self.bridge, port.name]
        for card in (each for each in self.cards if each not in sound):
            for other in live.values():
                if other.name != self.bridge and card in {port.name for port in other.ports}:
                    words += ["--", "del-port", other.name, card]
            words += ["--", "add-port", self.bridge, card]
        return words

    def consequence(self, changes: tuple[Change, ...]) -> str:
        hard = [each.property for each in changes if each.before is not None and each.property != "mtu"]
        return f"interrupts {self.bridge}" if hard else ""


@frozen(kw_only=True)
class ExclusiveOvsBridges(Resource):
    """Bridges that no OvsBridge of the spec names leave, but those of `keep`: Neutron's agent makes them itself."""

    kind: ClassVar[str] = "exclusive-ovs-bridges"
    keep: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "bridges"

    def desired(self, ctx: Context) -> State:
        return {"strangers": ()}

    def read(self, ctx: Context) -> State | None:
        named = {each.bridge for each in ctx.resources if isinstance(each, OvsBridge)} | set(self.keep)
        return {"strangers": tuple(sorted(set(bridges(ctx) or {}) - named))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        strangers = (self.read(ctx) or {}).get("strangers")
        for each in strangers if isinstance(strangers, tuple) else ():
            vsctl("del-br", each)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        gone = next((each.before for each in changes if isinstance(each.before, tuple)), ())
        return f"removes {', '.join(gone)}" if gone else ""
