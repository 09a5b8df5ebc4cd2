"""The part as a whole: every node tells of its own accounts, control of its servers' as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from wallcloud.catalog import bus, tls
from wallcloud.catalog.component import ROOT
from wallcloud.catalog.place import internal_name
from wallcloud.design.compile import Design
from wallcloud.progress import Progress, step
from wallcloud.site.model import Kind, Role
from wallcloud.verify.accounts import keystone, mariadb, people, rabbitmq
from wallcloud.verify.accounts.far import knocking as far_knocking
from wallcloud.verify.accounts.far import node as far_node
from wallcloud.verify.accounts.far import people as far_people
from wallcloud.verify.accounts.far import servers as far_servers
from wallcloud.verify.accounts.finding import seen
from wallcloud.verify.asking import ANSWERS, NO_ANSWER, asked, each_node
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Seen
from wallcloud.verify.far import becoming, loop, processes

PROGRAM: tuple[ModuleType, ...] = (loop, processes, becoming, far_people, far_servers, far_knocking, far_node)


def act(cloud: Cloud, progress: Progress, _keep: bool) -> tuple[Seen, ...]:
    """What is known of accounts anywhere."""
    design = cloud.design
    with step(progress, "accounts of servers and nodes"):
        return each_node(
            "accounts",
            design.site.nodes,
            lambda node: judge(design, node, asked(cloud, node, PROGRAM, "told", **question(design, node))),
        )


def question(design: Design, node: str) -> dict[str, Any]:
    """What a node's program is asked."""
    commanders = [name for name in people.declared(design, node) if name != ROOT.name]
    control = Role.CONTROL in design.site.nodes[node].roles
    commanders.append(people.NOBODY)
    return {
        "commanders": commanders,
        "offers": _offers(design, node) if control else None,
        "knocks": mariadb.knocks(design, commanders) if control else [],
    }


def _offers(design: Design, node: str) -> dict[str, str]:
    client = next(place for place in design.places[node] if place.component.bus)
    where = tls.client(client)
    return {
        "address": f"{client.address(Kind.MANAGEMENT)}:{bus.PORT}",
        "name": internal_name(design.site, node),
        "account": client.component.account.name,
        "ca": where.authority,
        "certificate": where.certificate,
        "key": where.key,
    }


def judge(design: Design, node: str, told: dict[str, Any]) -> Iterator[Seen]:
    """Every expectation of one node."""
    if "silent" in told:
        yield from _servers(design, node, told)
    yield from people.judge(design, node, told)


def _servers(design: Design, node: str, told: dict[str, Any]) -> Iterator[Seen]:
    each: dict[str, Callable[[], Iterable[Seen]]] = {
        "mariadb": lambda: (
            *mariadb.judge(design, node, told["mariadb"]),
            *mariadb.knocked(design, node, question(design, node)["knocks"], told["knocked"]),
        ),
        "keystone": lambda: keystone.judge(design, node, told["keystone"]),
        "broker": lambda: rabbitmq.judge(design, node, told["broker"]),
        "offers": lambda: rabbitmq.offered(node, told["offers"]),
    }
    for name, judged in each.items():
        silent = told["silent"].get(name, "")
        why = f"control tells whom it knows ({name})"
        yield seen(f"{name}/asked", node, ANSWERS, NO_ANSWER if silent else ANSWERS, why, detail=silent)
        if not silent:
            yield from judged()
