"""Ears on every wire of every node: a control first, then the canaries' errand, then what was heard and is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from wallcloud.catalog import neutron_metadata_agent
from wallcloud.errors import WallcloudError
from wallcloud.progress import Progress, step
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.encryption import remains, wires
from wallcloud.verify.encryption.canaries import NAME, Canaries, word
from wallcloud.verify.encryption.errand import Errand
from wallcloud.verify.encryption.programs import SHAKE
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.hands import Hands, Trouble
from wallcloud.verify.tenants.client import Client
from wallcloud.verify.tenants.part import Doors
from wallcloud.verify.tenants.scenario import scenario

T = TypeVar("T")
Places = Mapping[str, Hands]


def run(cloud: Cloud, doors: Doors, places: Places, progress: Progress, meanwhile: Callable[[], None]) -> list[Seen]:
    """Everything about canaries. `meanwhile` is done while nothing is recorded and much is waited for.

    Raises Trouble where no tenant can be made: then `meanwhile` was not done.
    """
    nodes = {node: places[node] for node in cloud.design.site.nodes}
    boss = Client(places[doors.inner.place], doors.inner)
    admin = cloud.users.admin
    boss.login(admin.user, admin.password, admin.project)
    canaries = Canaries(word("password"), word("rpc"), word("sql"), word("planted"))
    errand = Errand(boss, Client(places[doors.outer.place], doors.outer), canaries)
    seen: list[Seen] = []
    with ThreadPoolExecutor(2) as pool:
        try:
            with step(progress, "every ear hears what is said in the clear"):
                canaries = replace(canaries, token=errand.begin())
                seen += _control(cloud, nodes, canaries.said())
            with step(progress, "canaries go their way"):
                began = _each(nodes, lambda _, hands: hands.call("watch", planted=canaries.planted))
                _each(nodes, lambda _, hands: hands.call("record"))
                seen += _errand(cloud, errand, nodes)
                _each(nodes, lambda _, hands: hands.call("record_end"))
                canaries = replace(canaries, next_token=errand.token)
            aside = pool.submit(meanwhile)
            with step(progress, "what was heard, and what is left"):
                heard = pool.submit(_heard, cloud, nodes, canaries.said())
                every = {"planted": canaries.planted, **canaries.said()}
                first = _traces(nodes, began, every, last=False)
        finally:
            with step(progress, "the canaries' tenant goes"):
                trouble = errand.safely_ended()
        seen.append(_gone(trouble))
        last = _traces(nodes, {node: each["since"] for node, each in first.items()}, every, last=True)
        # A node that did not answer both times is missing, and so are its proofs.
        left = {node: first[node]["found"] + each["found"] for node, each in last.items()}
        told = heard.result()
        aside.result()
    seen += wires.silence(cloud.design, wires.wires(cloud.design), told, canaries.said())
    seen += wires.passed(cloud.design, told)
    seen += remains.planted(cloud.design, left)
    seen += remains.checks(cloud.design, left, canaries.said())
    return seen


def _heard(cloud: Cloud, nodes: Places, said: dict[str, str]) -> dict[str, Any]:
    watched = wires.watched(cloud.design)
    return _each(nodes, lambda _, hands: hands.call("searched", canaries=said, watched=watched))


def _each(nodes: Places, act: Callable[[str, Hands], T]) -> dict[str, T]:
    """On all nodes at once; of one that does not answer there is nothing in what comes back."""

    def one(node: str) -> list[T]:
        try:
            return [act(node, nodes[node])]
        except Trouble:
            return []

    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        found = zip(nodes, pool.map(one, nodes), strict=True)
        return {node: each for node, answers in found for each in answers}


def _control(cloud: Cloud, nodes: Places, said: dict[str, str]) -> Iterable[Seen]:
    every = wires.wires(cloud.design)
    _each(nodes, lambda _, hands: hands.call("record"))
    # On a network one says it and all hear it; a loopback is each node's own.
    shouts = [end for wire in every for end in (wire.ends if wire.name == wires.LOOPBACK else wire.ends[:1])]

    def shout(node: str, hands: Hands) -> None:
        for at, interface in shouts:
            if at == node:
                hands.call("shout", interface=interface, canaries=said)

    _each(nodes, shout)
    heard = _each(nodes, lambda _, hands: hands.call("heard", canaries=said))
    return wires.control(every, heard, said)


def _errand(cloud: Cloud, errand: Errand, nodes: Places) -> list[Seen]:
    """The errand's steps as expectations: a canary that did not go its way proves nothing by its absence."""
    plan = scenario(cloud.design)

    def metadata() -> None:
        secret = cloud.secret(neutron_metadata_agent.SECRET)
        account = neutron_metadata_agent.ACCOUNT.name
        for node in cloud.design.placed.get("nova-metadata", ()):
            tries = [{"id": "metadata", **errand.asked(secret)}]
            (told,) = nodes[node].call("handshakes", account=account, program=SHAKE, tries=tries)
            if told["outcome"] != "accepted":
                raise Trouble(f"{told['outcome']}: {told['detail']}", where=node)

    def one(name: str, why: str, act: Callable[[], object]) -> Seen:
        probe = Probe(f"encryption/errand/{name}", plan.place, "went its way", why, {})
        began = time.monotonic()
        try:
            act()
        except WallcloudError as error:
            return Seen(probe, "stuck", error.what)
        return Seen(probe, "went its way", f"{time.monotonic() - began:.1f} s")

    def server() -> list[Seen]:
        return [
            one("server", "a server's metadata goes to a compute by the bus", lambda: errand.boot(plan.flavor)),
            one("sql", "nova-metadata on the network node has it from the database on control", metadata),
        ]

    # The first token is used, then the password is said and another token comes back, which is used on.
    with ThreadPoolExecutor(2) as pool:
        booted = pool.submit(server)
        port = one("rpc", "a port's description goes to every agent by the bus", lambda: errand.port(plan.private))
        seen = [port, *booted.result()]
    return [
        *seen,
        one("password", "a password goes to Keystone and a token comes back", errand.again),
        one("admin", "an admin asks at the management door", errand.admin),
    ]


def _traces(
    nodes: Places, since: Mapping[str, float], canaries: dict[str, str], *, last: bool
) -> dict[str, dict[str, Any]]:
    there = {node: nodes[node] for node in since}
    return _each(there, lambda node, hands: hands.call("traces", since=since[node], canaries=canaries, last=last))


def _gone(trouble: str) -> Seen:
    probe = Probe("encryption/errand/gone", "admin", "gone", f"what {NAME} made is taken away again", {})
    return Seen(probe, "left something" if trouble else "gone", trouble)
