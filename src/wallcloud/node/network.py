"""The kernel's interfaces and routes through `ip -j` (iproute2), each asked once for all resources."""

import json
from collections.abc import Mapping

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context
from wallcloud.node.run import run


@frozen
class Live:
    """An interface as it is. `addresses` are CIDRs of global scope, sorted."""

    name: str
    mtu: int
    up: bool
    addresses: tuple[str, ...]
    kind: str = ""
    vlan: int | None = None
    link: str | None = None
    mac: str = ""
    carrier: bool = False


@frozen
class LiveRoute:
    """A route of the main table."""

    to: str
    via: str | None
    dev: str | None


def interfaces(ctx: Context) -> Mapping[str, Live]:
    """Every interface of this network namespace, by name."""
    return ctx.cached("interfaces", ask)


def routes(ctx: Context) -> tuple[LiveRoute, ...]:
    """The main table, both families."""
    return ctx.cached("routes", _routes)


def ask() -> dict[str, Live]:
    """Every interface as it is now."""
    return {each.name: each for each in map(_live, json.loads(run(("ip", "-j", "-d", "addr", "show")).stdout or "[]"))}


def _live(raw: dict[str, "object"]) -> Live:
    info = raw.get("linkinfo")
    detail = info if isinstance(info, dict) else {}
    data = detail.get("info_data", {})
    addresses = raw.get("addr_info")
    flags = raw.get("flags")
    return Live(
        name=str(raw["ifname"]),
        mtu=int(str(raw["mtu"])),
        up="UP" in (flags if isinstance(flags, list) else []),
        addresses=tuple(
            sorted(
                f"{each['local']}/{each['prefixlen']}"
                for each in (addresses if isinstance(addresses, list) else [])
                if each.get("scope") == "global" and not each.get("mngtmpaddr")
            )
        ),
        kind=str(detail.get("info_kind", "")),
        vlan=data.get("id") if detail.get("info_kind") == "vlan" else None,
        link=str(raw["link"]) if "link" in raw else None,
        mac=str(raw.get("address", "")),
        carrier="LOWER_UP" in (flags if isinstance(flags, list) else []),
    )


def _routes() -> tuple[LiveRoute, ...]:
    found = []
    for family in ("-4", "-6"):
        answer = run(("ip", "-j", family, "route", "show", "table", "main"), check=False).stdout
        found += [LiveRoute(each["dst"], each.get("gateway"), each.get("dev")) for each in json.loads(answer or "[]")]
    return tuple(found)
