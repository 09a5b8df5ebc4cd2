"""Plan and apply: one session per node, all in parallel, meeting at milestones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from wallcloud.build.cache import Cache
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.place import Release
from wallcloud.catalog.tls import CA_HOLE
from wallcloud.deploy.authority import Authority, Request
from wallcloud.deploy.milestones import Milestones
from wallcloud.deploy.session import Event, Session, SessionLost, Target, reachable
from wallcloud.deploy.state import StateFolder, operator
from wallcloud.design.compile import Design, compile_site
from wallcloud.errors import WallcloudError
from wallcloud.node.resources import Certificate
from wallcloud.node.spec import to_json
from wallcloud.site.addresses import plan
from wallcloud.site.load import Loaded
from wallcloud.site.model import Site


class Reporter(Protocol):
    """Told everything that happens, as it happens."""

    def event(self, node: str, event: Event) -> None:
        """One event of one node; the deployer's own words about a node are events too (`connecting`, `lost`)."""


@dataclass
class Outcome:
    """What became of one node. `status`: ok, failed, lost (not reached, or cut off), cancelled, locked."""

    node: str
    status: str = "lost"
    unchanged: int = 0
    planned: int = 0
    applied: int = 0
    why: str = ""
    error: WallcloudError | None = None
    changes: list[Event] = field(default_factory=list)


@dataclass(frozen=True)
class Summary:
    """The whole run. `clean` where nothing is to do and nothing failed."""

    outcomes: tuple[Outcome, ...]
    design: Design | None

    @property
    def ok(self) -> bool:
        return all(outcome.status == "ok" for outcome in self.outcomes)

    @property
    def planned(self) -> int:
        return sum(outcome.planned for outcome in self.outcomes)

    @property
    def applied(self) -> int:
        return sum(outcome.applied for outcome in self.outcomes)


def target(loaded: Loaded, node: str) -> Target:
    """How SSH reaches a node of the site."""
    site = loaded.site
    return Target(node, ssh_host(site, node), site.ssh.user, site.ssh.port, loaded.ssh_config)


def ssh_host(site: Site, node: str) -> str:
    """What to tell `ssh`: the operator's word, else the node's management address."""
    given = site.nodes[node].ssh
    if given:
        return given
    management = next(name for name, network in site.networks.items() if network.kind == "management")
    return str(plan(site).address(node, management))


class Run:
    """One plan or apply of chosen nodes."""

    def __init__(
        self, loaded: Loaded, state: StateFolder, cache: Cache, release: Release, reporter: Reporter, *, apply: bool
    ) -> None:
        self._loaded = loaded
        self._state = state
        self._cache = cache
        self._release = release
        self._reporter = reporter
        self._apply = apply
        self._sessions: dict[str, Session] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._cancelled = False

    async def cancel(self) -> None:
        """Asks every node to stop after the resource in hand."""
        self._cancelled = True
        for session in self._sessions.values():
            await session.send({"op": "cancel"})

    async def run(self, nodes: Iterable[str]) -> Summary:
        """Plans or applies on `nodes`. A dead node costs itself only."""
        chosen = tuple(nodes)
        self._outcomes = {node: Outcome(node) for node in chosen}
        try:
            await asyncio.gather(*(self._meet(node) for node in chosen))
            design = compile_site(self._loaded, self._facts(), self._release)
            await self._publishers_beside(design, chosen)
            authority = Authority.open(self._state, self._loaded.site.name) if self._apply else None
            milestones = Milestones(design.publishers(), self._send)
            for node, outcome in self._outcomes.items():
                if node not in self._sessions:
                    await milestones.over(node, f"{node}: {outcome.why}")
            await asyncio.gather(
                *(self._converge(node, design, milestones, authority, node in chosen) for node in tuple(self._sessions))
            )
        finally:
            await asyncio.gather(*(session.close() for session in self._sessions.values()))
        return Summary(tuple(self._outcomes[node] for node in chosen), design)

    async def _meet(self, node: str) -> None:
        """Opens the session and hears the node's facts."""
        self._reporter.event(node, {"event": "connecting"})
        session = await Session.open(target(self._loaded, node))
        await session.send({"op": "facts"})
        try:
            async for event in session.events():
                if event["event"] == "facts":
                    self._state.keep_facts(node, event["facts"])
                    self._reporter.event(node, event)
                    self._sessions[node] = session
                    return
        except SessionLost as lost:
            self._lose(node, lost)
            await session.close()

    def _lose(self, node: str, lost: SessionLost) -> None:
        outcome = self._outcomes.setdefault(node, Outcome(node))
        outcome.status, outcome.why, outcome.error = "lost", lost.what, lost
        self._reporter.event(node, {"event": "lost", "why": lost.what, "hint": lost.hint, "output": list(lost.output)})

    def _facts(self) -> dict[str, NodeFacts]:
        return {node: NodeFacts.of(self._state.facts(node)) for node in self._loaded.site.nodes}

    async def _publishers_beside(self, design: Design, chosen: tuple[str, ...]) -> None:
        """A narrowed apply reads (and only reads) the nodes whose milestones the chosen ones wait for."""
        if not self._apply:
            return
        publishers = design.publishers()
        waited = {name for node in chosen for resource in design.specs[node].resources for name in resource.awaits}
        beside = {publishers[name] for name in waited if name in publishers} - set(chosen)
        await asyncio.gather(*(self._meet(node) for node in sorted(beside)))

    async def _send(self, node: str, message: Mapping[str, str]) -> None:
        if node in self._sessions:
            await self._sessions[node].send(dict(message))

    async def _converge(
        self, node: str, design: Design, milestones: Milestones, authority: Authority | None, chosen: bool
    ) -> None:
        session = self._sessions[node]
        spec = design.specs[node]
        apply = self._apply and chosen
        names = design.secret_names(node)
        message: dict[str, Any] = {"op": "apply" if apply else "plan", "spec": to_json(spec)}
        message["secrets"] = self._fillings(names)
        if apply:
            message["operator"] = operator()
        await session.send(message)
        if self._cancelled:
            await session.send({"op": "cancel"})
        outcome = self._outcomes.setdefault(node, Outcome(node))
        try:
            async for event in session.events():
                await self._handle(node, session, event, outcome, design, milestones, authority)
                if chosen:
                    self._reporter.event(node, event)
        except SessionLost as lost:
            self._lose(node, lost)
        await milestones.over(node, f"{node}: {outcome.why or 'is not as designed'}")

    def _fillings(self, names: tuple[str, ...]) -> dict[str, str]:
        """What fills the holes of a spec: secrets, and the CA's certificate, which is none but is made here too."""
        wanted = set(names) - {CA_HOLE}
        values = self._state.secrets(wanted) if self._apply else self._state.secrets_known(wanted)
        ca = self._state.ca_certificate
        return {**values, CA_HOLE: ca.read_text(encoding="ascii") if ca.exists() else ""}

    async def _handle(
        self,
        node: str,
        session: Session,
        event: Event,
        outcome: Outcome,
        design: Design,
        milestones: Milestones,
        authority: Authority | None,
    ) -> None:
        match event["event"]:
            case "milestone":
                await milestones.reached(event["name"])
            case "waiting":
                await milestones.wait(node, tuple(event["milestones"]))
            case "need-blobs":
                for digest in event["digests"]:
                    await session.send_blob(digest, self._cache.blob(digest))
            case "sign" if authority is not None:
                await session.send(_signed(design, node, event, authority))
            case "confirm-wanted":
                if (await reachable(session.target)) is None:
                    await session.send({"op": "confirm"})
            case "done":
                if event["outcome"] != "unchanged":
                    outcome.changes.append(event)
            case "failed":
                outcome.why = f"{event['resource']['kind']} {event['resource']['name']}: {event['what']}"
            case "locked":
                holder = event["holder"]
                outcome.status = "locked"
                outcome.why = f"{holder.get('operator', 'somebody')} is at work there since {holder.get('since', '?')}"
            case "finished":
                outcome.status = event["outcome"]
                outcome.unchanged, outcome.planned = event["unchanged"], event["planned"]
                outcome.applied = event["applied"]


def _signed(design: Design, node: str, event: Event, authority: Authority) -> Event:
    """The answer to a request: only what the design names for this node is ever signed."""
    wanted = next(
        (r for r in design.specs[node].resources if isinstance(r, Certificate) and r.name == event["id"]), None
    )
    if wanted is None:
        return {"op": "certificate-refused", "id": event["id"], "why": "the design names no such certificate"}
    request = Request(wanted.subject, wanted.names, wanted.use, wanted.days)
    try:
        pem = authority.sign(event["csr"], request)
    except WallcloudError as error:
        return {"op": "certificate-refused", "id": event["id"], "why": error.what}
    return {"op": "certificate", "id": event["id"], "pem": pem, "ca": authority.pem}


def run(work: Run, nodes: Iterable[str], on_interrupt: Callable[[], None]) -> Summary:
    """Runs to the end. The first Ctrl-C asks the nodes to stop cleanly, the second ends at once."""
    import signal  # noqa: PLC0415

    async def whole() -> Summary:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work.run(nodes))
        cancelling: list[asyncio.Task[None]] = []

        def interrupted() -> None:
            if cancelling:
                task.cancel()
            else:
                on_interrupt()
                cancelling.append(asyncio.ensure_future(work.cancel()))

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted)
        try:
            return await task
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    return asyncio.run(whole())
