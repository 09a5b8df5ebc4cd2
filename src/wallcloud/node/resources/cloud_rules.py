"""Neutron's templates: the rules that each new security group begins with."""

from typing import Any, ClassVar, Literal

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, State
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudResource, call, certain, listed
from wallcloud.node.spec import Record

_PATH = "/v2.0/default-security-group-rules"
_GROUP = "PARENT"
"""Neutron's word for "the group itself"."""


@frozen(kw_only=True)
class DefaultRule(Record):
    """`remote`: a prefix, "group" (members of the same group), or "" (anybody). `protocol` "" = any; `ports` as
    "80-90", "" = all. `default`: for each project's group "default"; `others`: for groups that tenants make."""

    direction: Literal["ingress", "egress"]
    ethertype: Literal["IPv4", "IPv6"]
    protocol: str = ""
    ports: str = ""
    remote: str = ""
    default: bool = True
    others: bool = True

    @property
    def text(self) -> str:
        """In words: "ingress IPv4 tcp 80-80 from group (default)"."""
        way = "from" if self.direction == "ingress" else "to"
        what = " ".join(each for each in (self.direction, self.ethertype, self.protocol or "any", self.ports) if each)
        groups = " and ".join(name for name, used in (("default", self.default), ("others", self.others)) if used)
        return f"{what} {way} {self.remote or 'any'} ({groups or 'unused'})"

    def body(self) -> dict[str, Any]:
        lowest, _, highest = self.ports.partition("-")
        return {
            "direction": self.direction,
            "ethertype": self.ethertype,
            "protocol": self.protocol or None,
            "port_range_min": lowest or None,
            "port_range_max": highest or None,
            "remote_group_id": _GROUP if self.remote == "group" else None,
            "remote_ip_prefix": None if self.remote in {"", "group"} else self.remote,
            "used_in_default_sg": self.default,
            "used_in_non_default_sg": self.others,
        }


@frozen(kw_only=True)
class CloudDefaultRules(CloudResource):
    """These templates and no others."""

    kind: ClassVar[str] = "cloud-default-rules"
    rules: tuple[DefaultRule, ...]

    @property
    def name(self) -> str:
        return "rules of new security groups"

    def desired(self, ctx: Context) -> State:
        return {"rules": tuple(sorted(each.text for each in self.rules))}

    def read(self, ctx: Context) -> State | None:
        found = listed(ctx, self.access, "network", _PATH)
        return None if found is None else {"rules": tuple(sorted(_rule(each).text for each in found))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted = {each.text: each for each in self.rules}
        for each in certain(ctx, self.access, "network", _PATH):
            # what is there already stays; a second of the same goes
            if wanted.pop(_rule(each).text, None) is None:
                call(ctx, self.access, "network", "DELETE", f"{_PATH}/{each['id']}")
        for rule in wanted.values():
            call(ctx, self.access, "network", "POST", _PATH, {"default_security_group_rule": rule.body()})

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "security groups made from now on; none that exists"


def _rule(found: JSON) -> DefaultRule:
    ports = (found["port_range_min"], found["port_range_max"])
    group = found["remote_group_id"]
    return DefaultRule(
        direction=found["direction"],
        ethertype=found["ethertype"],
        protocol=found["protocol"] or "",
        ports="" if ports == (None, None) else f"{ports[0]}-{ports[1]}",
        remote="group" if group == _GROUP else group or found["remote_ip_prefix"] or "",
        default=found["used_in_default_sg"],
        others=found["used_in_non_default_sg"],
    )
