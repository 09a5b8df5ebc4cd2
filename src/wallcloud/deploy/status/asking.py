"""Asks nodes how they are, all at once. Nothing is changed anywhere, and no lock is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from wallcloud.deploy.run import ssh_config_there, target
from wallcloud.deploy.session import Event, Session, SessionLost
from wallcloud.deploy.state import StateFolder
from wallcloud.design.compile import Design
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.node.resource import Resource
from wallcloud.node.resources import CloudNetwork, Directory
from wallcloud.node.spec import Spec, to_json
from wallcloud.node.status.answer import ASKED
from wallcloud.node.status.model import Answer
from wallcloud.site.load import Loaded

SECONDS = 30.0
"""A node that has not answered by then is as good as away. It gives its own questions less."""
_PASSING = ("/etc/", "/run/")
"""Folders that are on the root's file system, or on none."""


@frozen
class Asked:
    """What came of asking: each node either answered or was lost."""

    answers: Mapping[str, Answer]
    lost: Mapping[str, WallcloudError]


def ask(loaded: Loaded, design: Design, state: StateFolder, nodes: Iterable[str]) -> Asked:
    """Asks `nodes`. One that is away costs itself only. Raises WallcloudError where none of them can be asked."""
    ssh_config_there(loaded)
    chosen = tuple(nodes)

    async def all_() -> list[Answer | WallcloudError]:
        return await asyncio.gather(*(_node(loaded, node, question(design, state, node)) for node in chosen))

    found = dict(zip(chosen, asyncio.run(all_()), strict=True))
    return Asked(
        {node: each for node, each in found.items() if isinstance(each, Answer)},
        {node: each for node, each in found.items() if isinstance(each, WallcloudError)},
    )


def question(design: Design, state: StateFolder, node: str) -> Event:
    """What a node is asked: the part of its spec that tells what there is to be well. The one secret in it is the
    admin's password, for the node that asks OpenStack's APIs."""
    spec = design.specs[node]
    wanted = tuple(each for each in spec.resources if isinstance(each, ASKED) and not _passes(each))
    names = {each.access.identity.password.name for each in wanted if isinstance(each, CloudNetwork)}
    secrets = {name: value for name in names if (value := state.secret_kept(name))}
    apis = {component.api.type: name for name, component in design.catalog.items() if component.api}
    return {
        "op": "status",
        "spec": to_json(Spec(node, spec.release, wanted)),
        "secrets": secrets,
        "apis": apis if names else {},
    }


def _passes(each: Resource) -> bool:
    return isinstance(each, Directory) and each.path.startswith(_PASSING)


async def _node(loaded: Loaded, node: str, message: Mapping[str, Any]) -> Answer | WallcloudError:
    try:
        session = await Session.open(target(loaded, node))
    except SessionLost as lost:
        return lost
    found: Answer | None = None
    try:
        session.send(message)
        async with asyncio.timeout(SECONDS):
            async for event in session.events():
                match event["event"]:
                    case "status":
                        found = understood(node, event)
                    case "failed":
                        return WallcloudError(event["what"], where=node, hint=event["hint"])
    except TimeoutError:
        return SessionLost(
            f"has not answered within {SECONDS:g} s",
            where=node,
            hint=f"is it overloaded? try: {session.target.by_hand()}",
        )
    except SessionLost as lost:
        return lost
    finally:
        await session.close(1.0 if found else 0.0)
    return found or SessionLost("ended without an answer", where=node, hint="run the same again")


@cache
def _adapter() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)


def understood(node: str, event: Event) -> Answer:
    """The answer in an event. Raises SessionLost where it makes no sense."""
    try:
        return _adapter().validate_python(event.get("answer"))
    except ValidationError as error:
        raise SessionLost(
            "its answer is not understood",
            where=node,
            output=tuple(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5]),
            hint="this is a fault of Wallcloud; please report it",
        ) from error
