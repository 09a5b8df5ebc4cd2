"""The host's side of the wall: while a lab exists, the host has unreachable routes for all that is inside.

A client that is run outside of the lab's namespaces by mistake would otherwise send its packets for lab addresses out
of the host's default route. The routes bear a protocol number and the lab's own metric (`wiring.metric_of`), by which
they are found again; several labs with the same prefixes can so exist side by side.
"""

import json
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.lab.kernel import run

Prefix = IPv4Network | IPv6Network

PROTOCOL = 87
"""rtm_protocol of these routes: no routing daemon has it in rt_protos."""

_DEFAULT_LIKE = 1
"""Routes as wide as this (0/0, and the two halves that VPN clients set) collide with nothing in particular."""


@frozen
class HostRoute:
    """A route or an address of the host, and how to call it in a message."""

    prefix: Prefix
    what: str


def raise_wall(prefixes: Iterable[Prefix], metric: int) -> None:
    """Sets the routes, and removes those of this metric that are no longer wanted.

    Raises WallcloudError, having changed nothing, if the host itself uses one of the prefixes.
    """
    wanted = tuple(prefixes)
    clashes = collisions(wanted, host_routes())
    if clashes:
        raise WallcloudError(
            f"this computer itself uses addresses of the lab: {clashes[0]}",
            where="lab",
            hint="give the site other prefixes; 198.18.0.0/15 is reserved for such uses (RFC 2544)",
            output=clashes[1:],
        )
    standing = ours(metric)
    for prefix in wanted:
        if prefix not in standing:
            run(("ip", *_family(prefix), "route", "add", *_route(prefix, metric)))
    for prefix in standing:
        if prefix not in wanted:
            run(("ip", *_family(prefix), "route", "del", *_route(prefix, metric)))


def lower_wall(metric: int) -> None:
    """Removes the routes of this metric: the last thing that goes."""
    for prefix in ours(metric):
        run(("ip", *_family(prefix), "route", "del", *_route(prefix, metric)))


def ours(metric: int) -> tuple[Prefix, ...]:
    """The prefixes that the host has unreachable routes for, with this metric."""
    found = []
    for family in ("-4", "-6"):
        text = run(("ip", "-json", family, "route", "show", "type", "unreachable", "proto", str(PROTOCOL)))
        found += [ip_network(route["dst"]) for route in json.loads(text or "[]") if route.get("metric") == metric]
    return tuple(found)


def host_routes() -> tuple[HostRoute, ...]:
    """What the host uses: its addresses, and its routes in every table, without default ones and any lab's."""
    found = []
    for link in json.loads(run(("ip", "-json", "address", "show")) or "[]"):
        for address in link.get("addr_info", ()):
            if "local" in address:
                network = ip_interface(f"{address['local']}/{address['prefixlen']}").network
                what = f"address {address['local']}/{address['prefixlen']} on {link.get('ifname', '?')}"
                found.append(HostRoute(network, what))
    for family, everything in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
        for route in json.loads(run(("ip", "-json", family, "route", "show", "table", "all")) or "[]"):
            if str(route.get("protocol")) == str(PROTOCOL):
                continue
            prefix = ip_network(everything if route["dst"] == "default" else route["dst"], strict=False)
            if prefix.prefixlen > _DEFAULT_LIKE and not prefix.is_multicast:
                way = f" dev {route['dev']}" if "dev" in route else f" {route.get('type', '')}".rstrip()
                found.append(HostRoute(prefix, f"route {route['dst']}{way}"))
    return tuple(found)


def collisions(prefixes: Iterable[Prefix], routes: Iterable[HostRoute]) -> tuple[str, ...]:
    """One line for each use that the host makes of one of the prefixes."""
    known = tuple(routes)
    return tuple(
        dict.fromkeys(
            f"{prefix} overlaps {route.what}"
            for prefix in prefixes
            for route in known
            if prefix.version == route.prefix.version and _overlap(prefix, route.prefix)
        )
    )


def _overlap(one: Prefix, other: Prefix) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


def _family(prefix: Prefix) -> tuple[str]:
    return ("-4",) if prefix.version == 4 else ("-6",)


def _route(prefix: Prefix, metric: int) -> tuple[str, ...]:
    return ("unreachable", str(prefix), "metric", str(metric), "proto", str(PROTOCOL))
