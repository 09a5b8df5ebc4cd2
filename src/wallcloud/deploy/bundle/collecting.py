"""Each node's part of a bundle, some nodes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wallcloud.catalog.tls import CA_HOLE, CRL_HOLE
from wallcloud.deploy.bundle.archive import Archive
from wallcloud.deploy.run import target
from wallcloud.deploy.session import Event, Session, SessionLost
from wallcloud.design.compile import Design
from wallcloud.node.resources import Certificate, File
from wallcloud.node.secret import Secret
from wallcloud.site.load import Loaded

AT_ONCE = 8
"""Nodes: what they send is held in memory until it is looked through."""
SECONDS = 180.0
_CONFIGURATION = "/etc/"


async def collect(
    archive: Archive, loaded: Loaded, design: Design, nodes: Iterable[str], *, since: float, journal: int
) -> dict[str, str]:
    """Adds what `nodes` give; node → why it gave nothing, or not all. Raises WallcloudError where a secret is in it."""
    turn = asyncio.Semaphore(AT_ONCE)
    writing = asyncio.Lock()
    lost: dict[str, str] = {}

    async def one(node: str) -> None:
        async with turn:
            session = None
            events: list[Event] = []
            try:
                session = await Session.open(target(loaded, node))
                session.send(order(design, node, since=since, journal=journal))
                async with asyncio.timeout(SECONDS):
                    events += [event async for event in session.events()]
            except SessionLost as error:
                lost[node] = error.what
            except TimeoutError:
                lost[node] = f"has not given all within {SECONDS:g} s"
            finally:
                if session:
                    await session.close(0.0 if node in lost else 1.0)
            async with writing:
                await asyncio.to_thread(_keep, archive, node, events)

    await asyncio.gather(*map(one, nodes))
    return lost


def order(design: Design, node: str, *, since: float, journal: int) -> Event:
    """What a node is told: where its configuration is, and where its own secrets are. None of ours is in it."""
    resources = design.specs[node].resources
    files = [each for each in resources if isinstance(each, File)]
    kept = [path for name in design.components_of(node) for path in design.catalog[name].keeps]
    alone = [each.path for each in files if _is_secret(each)]
    return {
        "op": "bundle",
        "since": since,
        "journal": journal,
        "files": [each.path for each in files if each.path.startswith(_CONFIGURATION)],
        "keys": [*(each.key_path for each in resources if isinstance(each, Certificate)), *kept, *alone],
    }


def _is_secret(file: File) -> bool:
    """Whether it holds nothing but a secret."""
    parts = file.content
    public = ((Secret(CA_HOLE),), (Secret(CRL_HOLE),))
    return isinstance(parts, tuple) and parts not in public and all(isinstance(each, Secret) for each in parts)


def _keep(archive: Archive, node: str, events: list[Event]) -> None:
    """Adds what a node gave. Raises WallcloudError."""
    member: Event | None = None
    try:
        for event in events:
            match event["event"]:
                case "member":
                    member = event
                case "data" if member is not None:
                    where = f"nodes/{node}/{_inside(member['name'])}"
                    archive.add(where, event["data"], note=str(member["note"]), marks=int(member["marks"]))
                    member = None
                case "left-out":
                    archive.leave_out(f"nodes/{node}/{event['name']}", str(event["why"]))
                case "failed":
                    archive.leave_out(f"nodes/{node}/", str(event["what"]))
    except (KeyError, TypeError, ValueError) as error:
        raise SessionLost(
            "what the node gave is not understood",
            where=node,
            output=(f"{type(error).__name__}: {error}",),
            hint="this is a fault of Wallcloud; please report it",
        ) from error


def _inside(name: str) -> str:
    """A member's name, which must stay in its node's folder. Raises ValueError."""
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"a member cannot be named {name!r}")
    return name
