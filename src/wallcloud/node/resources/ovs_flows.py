"""The OpenFlow rules of a bridge that no controller fills: exactly those of the spec."""

import re
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.resources.ovs_client import bridges
from wallcloud.node.run import run

_OFCTL = ("ovs-ofctl", "-O", "OpenFlow14")
_DEFAULTS = {"table": "0", "priority": "32768"}
_FIELD = re.compile(r"[^,=\s(]+(?:=[^,\s(]*)?(?:\([^)]*\))?")


@frozen(kw_only=True)
class OvsFlows(Resource):
    """Each of `flows` as ovs-ofctl(8) takes it, with names of ports: `priority=1,arp,in_port=LOCAL,actions=eth0`.

    ovs-vswitchd forgets them when it stops: whoever starts it loads them again.
    """

    kind: ClassVar[str] = "ovs-flows"
    bridge: str
    flows: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"rules of {self.bridge}"

    def desired(self, ctx: Context) -> State:
        return {"rules": tuple(sorted(map(normal, self.flows)))}

    def read(self, ctx: Context) -> State | None:
        if self.bridge not in (bridges(ctx) or {}):
            return None
        done = run((*_OFCTL, "--names", "--no-stats", "dump-flows", self.bridge), check=False)
        rows = [line for line in done.stdout.splitlines() if "actions=" in line]
        return {"rules": tuple(sorted(map(normal, rows)))} if done.ok else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if self.bridge not in (bridges(ctx) or {}):
            raise ResourceFailed(f"there is no bridge {self.bridge}", tried="ovs-vsctl list Bridge")
        text = "\n".join([*self.flows, ""])
        run((*_OFCTL, "--bundle", "replace-flows", self.bridge, "-"), input=text)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return f"replaces the rules of {self.bridge} in one step"


def normal(flow: str) -> str:
    """A rule in one way of writing: `priority table fields in order → actions`, as said or as ovs-ofctl lists it."""
    match, _, actions = flow.strip().partition("actions=")
    fields = dict(_DEFAULTS)
    for word in _FIELD.findall(match):
        key, _, value = word.partition("=")
        fields[key] = value.strip('"')
    fields.pop("cookie", None)
    priority, table = fields.pop("priority"), fields.pop("table")
    shown = " ".join(f"{key}={value}" if value else key for key, value in sorted(fields.items()))
    done = re.sub(r'(?:output:)?"?([^",]+)"?', r"\1", actions.strip())
    return f"{int(priority):5d} table {table} {shown} → {done}".replace("  →", " →")
