"""RabbitMQ's accounts against `bus` of components: each on its own bus, by its certificate alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wallcloud.catalog.place import actor
from wallcloud.design.compile import Design
from wallcloud.verify.accounts.finding import GONE, NOTHING, listed, seen, strays
from wallcloud.verify.expectation import Seen

_ALL = "configure .*, write .*, read .*"
_CERTIFICATE = "certificate"


def wanted(design: Design) -> dict[str, str]:
    """Account → its virtual host."""
    return {
        actor(name, node): design.catalog[name].bus
        for name, nodes in design.placed.items()
        for node in nodes
        if design.catalog[name].bus
    }


def judge(design: Design, node: str, told: Mapping[str, Any]) -> Iterator[Seen]:
    """Every account × every virtual host, and whatever else is there."""
    wants = wanted(design)
    vhosts = sorted(set(wants.values()))
    found = {each["name"]: each for each in told["users"]}
    allowed = {
        (each["user"], each["vhost"]): f"configure {each['configure']}, write {each['write']}, read {each['read']}"
        for each in told["permissions"]
    }
    tool = f"{node}# HOME=/var/lib/wallcloud-rabbitmq rabbitmqctl -n rabbit@localhost"
    for account, own in sorted(wants.items()):
        who = found.get(account)
        if who is None:
            yield seen(f"rabbitmq/{account}", node, _CERTIFICATE, GONE, "its certificate is its login", tool)
            continue
        login = "certificate or password" if who["password"] else _CERTIFICATE
        why = "it logs in by its certificate and has no password"
        yield seen(f"rabbitmq/{account}", node, _CERTIFICATE, login, why, f"{tool} list_users")
        why = "it is nobody's administrator"
        yield seen(f"rabbitmq/{account}/tags", node, NOTHING, listed(who["tags"]), why, f"{tool} list_users", wall=True)
        for vhost in dict.fromkeys((*vhosts, *sorted(vhost for user, vhost in allowed if user == account))):
            may = _ALL if vhost == own else NOTHING
            why = f"its service's own bus is {own}" + ("" if vhost == own else ": it sees nothing of another's")
            repeat = f"{tool} list_permissions -p {vhost}"
            outcome = allowed.get((account, vhost), NOTHING)
            yield seen(f"rabbitmq/{account}/on/{vhost}", node, may, outcome, why, repeat, wall=vhost != own)
    why = "no component declares this account; an apply deletes it"
    yield from strays("rabbitmq", node, found.keys() - wants.keys(), why, f"{tool} list_users")
    why = "no component declares this virtual host; an apply deletes it"
    yield from strays("rabbitmq/vhost", node, set(told["vhosts"]) - set(vhosts), why, f"{tool} list_vhosts")
    why = "the broker lets nobody in by a password"
    yield seen("rabbitmq/mechanisms", node, "EXTERNAL", listed(told["mechanisms"]), why, f"{tool} environment")


def offered(node: str, offers: list[str]) -> Iterator[Seen]:
    """What the broker says first to who connects."""
    why = "the broker lets nobody in by a password: what it offers in its first words"
    yield seen("rabbitmq/offers", node, "EXTERNAL", listed(offers), why)
