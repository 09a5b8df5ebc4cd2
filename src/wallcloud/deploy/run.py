"""Plan and apply: one session per node, all in parallel, meeting at milestones."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from wallcloud.build.cache import Cache
from wallcloud.catalog.basics import WIRES
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.place import Release
from wallcloud.catalog.rotation import Rotation
from wallcloud.catalog.tls import CA_HOLE, CRL_HOLE
from wallcloud.deploy import rotation
from wallcloud.deploy.milestones import Milestones
from wallcloud.deploy.preflight.meeting import PreflightFailed, Told, look
from wallcloud.deploy.prepare import facts_of
from wallcloud.deploy.session import CLOSE_SECONDS, SILENCE_SECONDS, Event, Session, SessionLost, Target, reachable
from wallcloud.deploy.state import StateFolder, operator
from wallcloud.design.compile import Design, compile_site, require
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.node.resources import Certificate, File
from wallcloud.node.spec import to_json
from wallcloud.site.addresses import plan
from wallcloud.site.finding import Finding
from wallcloud.site.load import Loaded
from wallcloud.site.model import Site

if TYPE_CHECKING:
    from wallcloud.deploy.authority import Authority
    from wallcloud.deploy.seeding import Seeding


T = TypeVar("T")


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


@frozen
class Summary:
    """The whole run. `clean` where nothing is to do and nothing failed."""

    outcomes: tuple[Outcome, ...]
    design: Design | None
    findings: tuple[Finding, ...] = ()
    """Warnings of the preflight, where there was one."""

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


def ssh_config_there(loaded: Loaded) -> None:
    """Says once what every node's ssh would say. Raises WallcloudError."""
    config = loaded.ssh_config
    if config is not None and not config.is_file():
        raise WallcloudError(
            f"there is no {config}, which `ssh: config:` names",
            where=str(loaded.path),
            hint="for a lab: wallcloud lab up; for real hosts: leave `config` out, and your own ~/.ssh/config is used",
        )


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
        self,
        loaded: Loaded,
        state: StateFolder,
        cache: Cache,
        release: Release,
        reporter: Reporter,
        *,
        apply: bool,
        try_wires: bool = True,
        seeding: Seeding | None = None,
    ) -> None:
        """`try_wires`: an apply on wires that are new to a node tries them first. `seeding`: what a restore brings."""
        self._loaded = loaded
        self._state = state
        self._cache = cache
        self._release = release
        self._reporter = reporter
        self._apply = apply
        self._try_wires = try_wires
        self._seeding = seeding
        self._rotation = Rotation()
        self._opened: list[Session] = []
        self._sessions: dict[str, Session] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._facts: dict[str, NodeFacts] = {}
        self._told: dict[str, Told] = {}
        self._cancelled = False

    def cancel(self) -> None:
        """Asks every node to stop after the resource in hand."""
        self._cancelled = True
        for session in self._sessions.values():
            session.cancel()

    async def preflight(self, nodes: Iterable[str]) -> tuple[tuple[Finding, ...], Summary]:
        """Tries hosts and wires of `nodes` together and changes nothing: what is wrong, and who could not be asked."""
        chosen = self._begin(nodes)
        try:
            design, _ = await self._prepare(chosen)
            found = await self._look(design)
        finally:
            await asyncio.gather(*(session.close(CLOSE_SECONDS) for session in self._opened))
        for node in self._sessions:
            self._outcomes[node].status = "ok" if not self._outcomes[node].error else "lost"
        return found, Summary(tuple(self._outcomes[node] for node in chosen), design)

    def _begin(self, nodes: Iterable[str]) -> tuple[str, ...]:
        chosen = tuple(nodes)
        self._outcomes = {node: Outcome(node) for node in chosen}
        require(self._loaded)  # before any node is touched
        self._facts = {node: facts_of(self._state, node) for node in self._loaded.site.nodes}
        ssh_config_there(self._loaded)
        self._rotation = rotation.load(self._state)
        return chosen

    async def run(self, nodes: Iterable[str]) -> Summary:
        """Plans or applies on `nodes`. A dead node costs itself only. Raises PreflightFailed."""
        chosen = self._begin(nodes)
        found: tuple[Finding, ...] = ()
        grace = CLOSE_SECONDS
        try:
            design, authority = await self._prepare(chosen)
            if self._apply and self._try_wires and self._new_wires(design):
                found = await self._look(design)
                if any(finding.severity == "error" for finding in found):
                    raise PreflightFailed(found)
            beside = self._beside(design, chosen)
            if beside:
                await _all(self._meet(node) for node in beside)
                design = self._compile(self._facts)  # with what they said of themselves
            milestones = Milestones(design.publishers(), self._send)
            for node, outcome in self._outcomes.items():
                if node not in self._sessions:
                    milestones.over(node, f"{node}: {outcome.why}")
            await _all(
                self._converge(node, design, milestones, authority, node in chosen) for node in tuple(self._sessions)
            )
        except asyncio.CancelledError:
            grace = 0
            raise
        finally:
            await asyncio.gather(*(session.close(grace) for session in self._opened))
        return Summary(tuple(self._outcomes[node] for node in chosen), design, found)

    async def _prepare(self, chosen: tuple[str, ...]) -> tuple[Design, Authority | None]:
        """Meets the nodes; compiles meanwhile with what they said last time, which is mostly what they say now."""
        before = dict(self._facts)
        made: list[Design] = []
        authorities: list[Authority] = []

        async def beside() -> None:
            made.append(await asyncio.to_thread(self._compile, before))
            if self._apply:
                authorities.append(await asyncio.to_thread(self._authority))

        await _all((*(self._meet(node) for node in chosen), beside()))
        design = made[0] if self._facts == before else self._compile(self._facts)
        return design, next(iter(authorities), None)

    def _new_wires(self, design: Design) -> bool:
        """Whether a node that is met has other wires in the design than those it was last begun with."""
        wires = {
            node: next(each for each in spec.resources if isinstance(each, File) and each.path == WIRES)
            for node, spec in design.specs.items()
        }
        return any(self._told[node].facts.get("wires") != wires[node].content for node in self._sessions)

    async def _look(self, design: Design) -> tuple[Finding, ...]:
        for node in self._sessions:
            self._reporter.event(node, {"event": "preflight"})
        found = await look(self._loaded, design, self._sessions, self._told, self._lose)
        for node, outcome in self._outcomes.items():
            if outcome.error:
                self._sessions.pop(node, None)
        return found

    def _authority(self) -> Authority:
        # A plan signs nothing and starts faster.
        from wallcloud.deploy.authority import Authority  # noqa: PLC0415
        from wallcloud.deploy.revocation import refresh  # noqa: PLC0415

        authority = Authority.open(self._state, self._loaded.site.name)
        refresh(self._state, authority, self._rotation)
        return authority

    def _compile(self, facts: Mapping[str, NodeFacts]) -> Design:
        seed = self._seeding.seed if self._seeding else None
        return compile_site(self._loaded, facts, self._release, seed, self._rotation)

    async def _meet(self, node: str) -> None:
        """Opens the session and hears the node's facts."""
        self._reporter.event(node, {"event": "connecting"})
        try:
            session = await Session.open(target(self._loaded, node))
            self._opened.append(session)
            session.send({"op": "facts"})
            async for event in session.events():
                if event["event"] == "facts":
                    self._told[node] = Told(event.get("facts") or {}, _ahead(event))
                    await asyncio.to_thread(self._keep, node, event)
                    self._reporter.event(node, event)
                    self._sessions[node] = session
                    return
            raise SessionLost("ended without telling its facts", where=node, hint="run the same again")
        except SessionLost as lost:
            self._lose(node, lost)

    def _keep(self, node: str, event: Event) -> None:
        """Keeps a node's facts for later. Raises SessionLost where they make no sense: then the last ones stay."""
        try:
            if event.get("facts") is None:
                raise ValueError("facts: there are none")
            facts = NodeFacts.of(event["facts"])
        except ValueError as error:
            raise SessionLost(
                "told facts that are not understood",
                where=node,
                output=tuple(str(error).splitlines()[:8]),
                hint="this is a fault of Wallcloud; please report it",
            ) from error
        self._state.keep_facts(node, event["facts"])
        self._facts[node] = facts

    def _lose(self, node: str, lost: WallcloudError) -> None:
        outcome = self._outcomes.setdefault(node, Outcome(node))
        outcome.status, outcome.why, outcome.error = "lost", lost.what, lost
        self._reporter.event(node, {"event": "lost", "why": lost.what, "hint": lost.hint, "output": list(lost.output)})

    def _beside(self, design: Design, chosen: tuple[str, ...]) -> tuple[str, ...]:
        """A narrowed apply reads (and only reads) the nodes whose milestones the chosen ones wait for."""
        if not self._apply:
            return ()
        publishers = design.publishers()
        waited = {name for node in chosen for resource in design.specs[node].resources for name in resource.awaits}
        return tuple(sorted({publishers[name] for name in waited} - set(chosen)))

    def _send(self, node: str, message: Mapping[str, str]) -> None:
        if node in self._sessions:
            self._sessions[node].send(message)

    async def _converge(
        self, node: str, design: Design, milestones: Milestones, authority: Authority | None, chosen: bool
    ) -> None:
        session = self._sessions[node]
        outcome = self._outcomes.setdefault(node, Outcome(node))
        if self._cancelled:
            outcome.status, outcome.why = "cancelled", "before anything was begun"
            milestones.over(node, f"{node}: cancelled")
            return
        session.send(self._order(node, design, apply=self._apply and chosen))
        if self._apply and chosen:
            session.keep_alive()
        try:
            async for event in session.events():
                await self._handle(node, session, event, outcome, design, milestones, authority)
                if chosen:
                    self._reporter.event(node, event)
        except SessionLost as lost:
            self._lose(node, lost)
        milestones.over(node, f"{node}: {outcome.why or 'is not as designed'}")

    def _order(self, node: str, design: Design, *, apply: bool) -> dict[str, Any]:
        """What a node is told to plan or apply."""
        secrets = self._fillings(design.secret_names(node))
        order = {"op": "apply" if apply else "plan", "spec": to_json(design.specs[node]), "secrets": secrets}
        return {**order, "operator": operator(), "silence": SILENCE_SECONDS} if apply else order

    def _fillings(self, names: tuple[str, ...]) -> dict[str, str]:
        """What fills the holes of a spec: secrets, and the CA's certificate and list, which are made here too."""
        brought = self._seeding.secrets if self._seeding else {}
        wanted = set(names) - {CA_HOLE, CRL_HOLE} - brought.keys()
        values = self._state.secrets(wanted) if self._apply else self._state.secrets_known(wanted)
        values.update({name: brought[name] for name in names if name in brought})
        made = {CA_HOLE: self._state.ca_certificate, CRL_HOLE: self._state.revocation_list}
        wanted_files = ((name, path) for name, path in made.items() if name in names)
        files = {name: path.read_text(encoding="ascii") if path.exists() else "" for name, path in wanted_files}
        return {**values, **files}

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
        """Answers one event. Raises SessionLost for an event without what its kind must have."""
        try:
            match event["event"]:
                case "milestone":
                    milestones.reached(event["name"])
                case "milestone-failed":
                    milestones.failed(event["name"], f"{node}: {event['why']}")
                case "waiting":
                    milestones.wait(node, tuple(event["milestones"]))
                case "need-blobs":
                    for digest in event["digests"]:
                        session.send_blob(digest, self._cache.blob(digest))
                case "need-stream" if self._seeding is not None:
                    session.send_frames(self._seeding.frames(event["name"]))
                case "sign" if authority is not None:
                    session.send(_signed(design, node, event, authority, self._state))
                case "confirm-wanted":
                    why = await reachable(session.target)
                    if why is None:
                        session.send({"op": "confirm"})
                    else:
                        self._reporter.event(node, {"event": "unconfirmed", "why": why})
                case "done":
                    if event["outcome"] != "unchanged":
                        outcome.changes.append(event)
                case "failed":
                    what = f"{event['resource']['kind']} {event['resource']['name']}: {event['what']}"
                    # Of several (a plan goes on) the first is told: the others often follow from it.
                    outcome.why = outcome.why or what
                case "locked":
                    outcome.status, outcome.why = "locked", at_work(event["holder"])
                case "finished":
                    outcome.status = event["outcome"]
                    outcome.unchanged, outcome.planned = event["unchanged"], event["planned"]
                    outcome.applied = event["applied"]
                    # The node works on several at once; what is shown is in the order of its spec.
                    outcome.changes.sort(key=lambda change: change["index"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SessionLost(
                f"the node's event {event['event']!r} is not understood",
                where=node,
                output=(f"{type(error).__name__}: {error}",),
                hint="this is a fault of Wallcloud; please report it",
            ) from error


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs all at once. Where one raises, the others are cancelled, and what it raised is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


def _ahead(event: Event) -> float | None:
    """Seconds that the node's clock was ahead of ours when it said this; its way here makes it less."""
    told = event.get("time")
    return told - time.time() if isinstance(told, int | float) else None


def at_work(holder: Mapping[str, Any]) -> str:
    """Who holds a node's lock, for people. `since` is in unix seconds."""
    since = holder.get("since")
    moment = f" since {datetime.fromtimestamp(since):%H:%M:%S}" if isinstance(since, int | float) else ""
    return f"{holder.get('operator') or 'somebody'} is at work there{moment}"


def _signed(design: Design, node: str, event: Event, authority: Authority, state: StateFolder) -> Event:
    """The answer to a request: only what the design names for this node is ever signed."""
    wanted = next(
        (r for r in design.specs[node].resources if isinstance(r, Certificate) and r.name == event["id"]), None
    )
    if wanted is None:
        return {"op": "certificate-refused", "id": event["id"], "why": "the design names no such certificate"}
    from wallcloud.deploy.authority import Request  # noqa: PLC0415 - as above
    from wallcloud.deploy.revocation import note  # noqa: PLC0415

    request = Request(wanted.subject, wanted.names, wanted.use, wanted.days)
    try:
        pem = authority.sign(event["csr"], request)
    except WallcloudError as error:
        return {"op": "certificate-refused", "id": event["id"], "why": error.what}
    note(state, wanted.name, pem)
    return {"op": "certificate", "id": event["id"], "pem": pem, "ca": authority.pem}


def run(work: Run, doing: Coroutine[Any, Any, T], on_interrupt: Callable[[], None]) -> T:
    """Runs one of `work`'s coroutines to the end.

    The first Ctrl-C asks the nodes to stop cleanly, the second ends at once: KeyboardInterrupt.
    """

    async def whole() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(doing)
        asked = False

        def interrupted() -> None:
            nonlocal asked
            if asked:
                task.cancel()
            else:
                asked = True
                on_interrupt()
                work.cancel()

        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, interrupted)
        try:
            return await task
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
