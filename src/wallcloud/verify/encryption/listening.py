"""Ears on every wire of every node: first a control, then the canaries' errand, then what was heard and what is left."""

from __future__ import annotations

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


def run(cloud: Cloud, doors: Doors, places: Places, progress: Progress) -> list[Seen]:
    """Everything about canaries. Raises WallcloudError where it cannot even begin."""
    nodes = {node: places[node] for node in cloud.design.site.nodes}
    boss = Client(places[doors.inner.place], doors.inner)
    boss.login(cloud.admin.user, cloud.admin.password, cloud.admin.project)
    canaries = Canaries(f"P{word('w')}", word("rpc"), word("sql"), word("planted"))
    errand = Errand(boss, Client(places[doors.outer.place], doors.outer), canaries)
    seen: list[Seen] = []
    try:
        with step(progress, "every ear hears what is said in the clear"):
            canaries = replace(canaries, token=errand.begin(), next_token=word("token"))
            seen += _control(cloud, nodes, canaries)
        with step(progress, "canaries go their way"):
            every = {"planted": canaries.planted, **canaries.said()}
            since = _each(nodes, lambda node, hands: hands.call("watch", planted=canaries.planted))
            _each(nodes, lambda node, hands: hands.call("record", name="errand"))
            seen += _errand(cloud, errand, nodes)
            canaries = replace(canaries, next_token=_token(errand))
            every = {**every, **canaries.said()}
            first = _traces(nodes, since, every, last=False)
    finally:
        with step(progress, "the canaries' tenant goes"):
            trouble = errand.safely_ended()
    seen.append(_gone(trouble))
    with step(progress, "what was heard, and what is left"):
        told = _each(
            nodes,
            lambda node, hands: hands.call(
                "searched", name="errand", canaries=canaries.said(), watched=wires.watched(cloud.design)
            ),
        )
        last = _traces(nodes, since, every, last=True)
    left = {node: first.get(node, []) + last.get(node, []) for node in nodes}
    seen += wires.silence(cloud.design, wires.wires(cloud.design), told, canaries.said())
    seen += wires.passed(cloud.design, told)
    seen += remains.planted(left)
    seen += remains.checks(cloud.design, left, canaries.said())
    return seen


def _each(nodes: Places, act: Callable[[str, Hands], T]) -> dict[str, T]:
    """On all nodes at once."""
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        return dict(zip(nodes, pool.map(lambda item: act(*item), nodes.items()), strict=True))


def _control(cloud: Cloud, nodes: Places, canaries: Canaries) -> Iterable[Seen]:
    every = wires.wires(cloud.design)
    _each(nodes, lambda node, hands: hands.call("record", name="control"))
    for wire in every:
        # On a network one says it and all hear it; a loopback is each node's own.
        for node, interface in wire.ends if wire.name == wires.LOOPBACK else wire.ends[:1]:
            nodes[node].call("shout", interface=interface, canaries=canaries.said())
    heard = _each(nodes, lambda node, hands: hands.call("heard", name="control", canaries=canaries.said()))
    return wires.control(every, heard, canaries.said())


def _errand(cloud: Cloud, errand: Errand, nodes: Places) -> list[Seen]:
    """The errand's steps as expectations: a canary that did not go its way proves nothing by its absence."""
    plan = scenario(cloud.design)

    def metadata() -> None:
        secret = cloud.secret(neutron_metadata_agent.SECRET.name)
        account = neutron_metadata_agent.ACCOUNT.name
        for node in cloud.design.placed.get("nova-metadata", ()):
            tries = [{"id": "metadata", **errand.asked(secret)}]
            (told,) = nodes[node].call("handshakes", account=account, program=SHAKE, tries=tries)
            if told["outcome"] != "accepted":
                raise Trouble(f"{told['outcome']}: {told['detail']}", where=node)

    steps: tuple[tuple[str, str, Callable[[], Any]], ...] = (
        ("rpc", "a port's description goes to every agent by the bus", lambda: errand.port(str(plan.private))),
        ("password", "a password goes to Keystone and a token comes back", errand.again),
        ("server", "a server's metadata goes to a compute by the bus", lambda: errand.boot(plan.flavor)),
        ("sql", "nova-metadata on the network node has it from the database on control", metadata),
    )
    return [_step(name, why, act, plan.place) for name, why, act in steps]


def _step(name: str, why: str, act: Callable[[], Any], place: str) -> Seen:
    probe = Probe(f"encryption/errand/{name}", place, "went its way", why, {})
    try:
        act()
    except WallcloudError as error:
        return Seen(probe, "stuck", error.what)
    return Seen(probe, "went its way")


def _token(errand: Errand) -> str:
    return errand.again()


def _traces(nodes: Places, since: Mapping[str, float], canaries: dict[str, str], *, last: bool) -> dict[str, Any]:
    return _each(
        nodes, lambda node, hands: hands.call("traces", since=since[node], canaries=canaries, last=last)
    )


def _gone(trouble: str) -> Seen:
    why = f"what {NAME} made is taken away again"
    return Seen(Probe("encryption/errand/gone", "admin", "gone", why, {}), "left something" if trouble else "gone", trouble)
