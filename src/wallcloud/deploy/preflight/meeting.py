"""The nodes look at their wires together: all listen before the first one speaks."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from wallcloud.deploy.preflight import hosts, wires
from wallcloud.deploy.preflight.legs import Leg, legs
from wallcloud.deploy.preflight.report import Report
from wallcloud.deploy.session import Session, SessionLost
from wallcloud.design.compile import Design
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.site.finding import Finding
from wallcloud.site.load import Loaded

LISTENED_SECONDS = 2.5
"""A DHCP server may look for a second whether an address is free before it offers it (RFC 2131, 2.2)."""


@frozen
class Told:
    """What a node said of itself when it was met, and how far its clock was ahead then, in seconds."""

    facts: dict[str, Any]
    ahead: float | None


class PreflightFailed(WallcloudError):
    """What the preflight found forbids an apply. Nothing was changed."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        count = sum(finding.severity == "error" for finding in findings)
        super().__init__(
            f"the preflight found {count} error{'' if count == 1 else 's'}; nothing was changed",
            hint="mend that and apply again; `wallcloud preflight` looks anew; --without-preflight lets apply go"
            " on regardless",
            output=tuple(line for finding in findings for line in finding.render().splitlines()),
        )


async def look(
    loaded: Loaded,
    design: Design,
    sessions: Mapping[str, Session],
    told: Mapping[str, Told],
    lose: Callable[[str, SessionLost], None],
) -> tuple[Finding, ...]:
    """Findings of all nodes that are met, in the order of the site file. A node that goes away meanwhile is lost."""
    all_legs = legs(loaded.site)
    token = secrets.token_hex(16)
    together = _Together(len(sessions))
    answers = await asyncio.gather(
        *(
            _ask(session, _order(loaded, node, all_legs, token), together, told[node], lose)
            for node, session in sessions.items()
        )
    )
    reports = {node: report for node, report in zip(sessions, answers, strict=True) if report is not None}
    in_order = {node: reports[node] for node in loaded.site.nodes if node in reports}
    faults = (*hosts.faults(loaded.site, design.flows, in_order), *wires.faults(all_legs, in_order))
    findings = [fault.finding(loaded.locations) for fault in faults]
    return tuple(sorted(findings, key=lambda finding: (loaded.locations.at(finding.path), finding.id)))


class _Together:
    """Opens when everybody has come or has gone away."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._all = asyncio.Event()

    def here(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._all.set()

    async def wait(self) -> None:
        await self._all.wait()


def _order(loaded: Loaded, node: str, all_legs: tuple[Leg, ...], token: str) -> dict[str, Any]:
    site = loaded.site
    paths = ["/", "/var"]
    if "control" in site.nodes[node].roles:
        paths.append(site.image_store.path)
    return {
        "op": "preflight",
        "legs": [leg.order() for leg in all_legs if leg.node == node],
        "token": token,
        "paths": paths,
        "seconds": LISTENED_SECONDS,
    }


async def _ask(
    session: Session, order: dict[str, Any], together: _Together, told: Told, lose: Callable[[str, SessionLost], None]
) -> Report | None:
    node = session.target.node
    listens = False
    try:
        session.send(order)
        async for event in session.events():
            match event["event"]:
                case "listening":
                    listens = True
                    together.here()
                    await together.wait()
                    session.send({"op": "go"})
                case "preflight":
                    return Report.of(told.facts, event, told.ahead)
        raise SessionLost("ended in the middle of the preflight", where=node, hint="run the same again")
    except ValueError as error:
        lose(
            node,
            SessionLost(
                "told of its wires what is not understood",
                where=node,
                output=tuple(str(error).splitlines()[:8]),
                hint="this is a fault of Wallcloud; please report it",
            ),
        )
    except SessionLost as lost:
        lose(node, lost)
    finally:
        if not listens:
            together.here()
    return None
