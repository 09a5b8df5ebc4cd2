"""The part as a whole: every node tells of its own accounts, control of its servers' as well."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from wallcloud.catalog import bus, tls
from wallcloud.catalog.component import ROOT
from wallcloud.catalog.place import internal_name
from wallcloud.design.compile import Design
from wallcloud.progress import Progress, step
from wallcloud.site.model import Kind, Role
from wallcloud.verify.accounts import keystone, mariadb, people, rabbitmq
from wallcloud.verify.accounts.far import node as far_node
from wallcloud.verify.accounts.far import people as far_people
from wallcloud.verify.accounts.far import servers as far_servers
from wallcloud.verify.asking import asked, each_node
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Seen
from wallcloud.verify.far import becoming, loop, processes

PROGRAM: tuple[ModuleType, ...] = (loop, processes, becoming, far_people, far_servers, far_node)


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
    return {"commanders": [*commanders, people.NOBODY], "offers": _offers(design, node) if control else None}


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
    if "mariadb" in told:
        yield from mariadb.judge(design, node, told["mariadb"])
        yield from rabbitmq.judge(design, node, told["broker"], told["offers"])
        yield from keystone.judge(design, node, told["keystone"])
    yield from people.judge(design, node, told)
