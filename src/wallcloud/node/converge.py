"""Read, compare, apply: each resource in order. A plan is the same without the last step."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wallcloud.node.context import Run
from wallcloud.node.failure import Cancelled, ResourceFailed
from wallcloud.node.resource import Change, Resource
from wallcloud.node.session import Session
from wallcloud.node.spec import Spec


@dataclass
class Tally:
    """How many resources ended how."""

    applied: int = 0
    unchanged: int = 0
    planned: int = 0
    failed: int = 0
    left: int = 0


def converge(spec: Spec, secrets: Mapping[str, str], session: Session, *, planning: bool) -> str:
    """Brings the node to `spec`, or says what that would change; returns "ok", "failed" or "cancelled".

    An apply stops at the first failure: what comes later in a spec stands on what comes before. A plan goes on.
    """
    session.hide(secrets)
    return _Converge(spec, Run(spec, secrets, session, planning=planning), session).run()


class _Converge:
    def __init__(self, spec: Spec, run: Run, session: Session) -> None:
        self._spec = spec
        self._run = run
        self._session = session
        self._tally = Tally()

    def run(self) -> str:
        begun = time.monotonic()
        self._session.emit("begin", count=len(self._spec.resources))
        stopped = ""
        for index, resource in enumerate(self._spec.resources):
            self._run.index = index
            stopped = stopped or self._session.stopped
            if stopped:
                self._tally.left += 1
                self._session.emit("left", index=index, resource=label(resource), why=stopped)
                continue
            try:
                self._one(index, resource)
            except Cancelled as why:
                self._session.emit("left", index=index, resource=label(resource), why=str(why))
                self._tally.left += 1
                stopped = str(why)
            except Exception as error:  # whatever a resource runs into is told; none takes the session down
                self._fail(index, resource, error)
                if not self._run.planning:
                    stopped = f"{resource.kind} {resource.name} before it failed"
        return self._finish(time.monotonic() - begun)

    def _finish(self, seconds: float) -> str:
        outcome = "failed" if self._tally.failed else "cancelled" if self._tally.left else "ok"
        counts = {each: getattr(self._tally, each) for each in ("applied", "unchanged", "planned")}
        self._session.emit("finished", outcome=outcome, **counts, seconds=round(seconds, 3))
        return outcome

    def _one(self, index: int, resource: Resource) -> None:
        self._session.emit("started", index=index, resource=label(resource))
        begun = time.monotonic()
        changes = resource.compare(self._run)
        if changes and not self._run.planning and self._await(index, resource):
            changes = resource.compare(self._run)  # what was read before may have changed in the meantime
        if not changes:
            outcome = "unchanged"
            self._tally.unchanged += 1
        elif self._run.planning:
            outcome = "planned"
            self._tally.planned += 1
            self._run.touch(resource.alters(changes))
        else:
            outcome = "applied"
            self._apply(resource, changes)
            self._tally.applied += 1
        consequence = resource.consequence(changes) if changes else ""
        self._session.emit(
            "done",
            index=index,
            resource=label(resource),
            outcome=outcome,
            changes=[asdict(change) for change in changes],
            reason=resource.reason,
            consequence=consequence,
            seconds=round(time.monotonic() - begun, 3),
        )
        if not self._run.planning or outcome == "unchanged":
            # A milestone is a readable fact: a plan that finds it true says so to those who only read this node.
            for milestone in resource.publishes:
                self._session.published(milestone)
                self._session.emit("milestone", name=milestone)

    def _await(self, index: int, resource: Resource) -> bool:
        """Waits for what the resource awaits; whether there was anything to wait for.

        Only what is to be changed waits: a node that is as designed does not suffer from another that is dead.
        """
        missing = self._session.missing(resource.awaits)
        if missing:
            self._session.emit("waiting", index=index, milestones=list(missing))
            self._session.await_milestones(resource.awaits)
            self._run.changed()
        return bool(missing)

    def _apply(self, resource: Resource, changes: tuple[Change, ...]) -> None:
        """Applies, reads again and compares: what still differs did not take."""
        try:
            resource.apply(self._run, changes)
        finally:
            self._run.changed()
        self._run.touch(resource.alters(changes))
        left = resource.compare(self._run)
        if left:
            raise ResourceFailed(
                f"did not take: {', '.join(change.property for change in left)}",
                tried=f"apply {resource.kind} {resource.name}, then read it again",
                output=tuple(_shown(change) for change in left),
                hint="something else on the node may change it back, or the server took it otherwise than it was meant",
            )

    def _fail(self, index: int, resource: Resource, error: Exception) -> None:
        self._tally.failed += 1
        failed = error if isinstance(error, ResourceFailed) else _unexpected(error)
        self._session.emit(
            "failed",
            index=index,
            resource=label(resource),
            what=failed.what,
            tried=failed.tried,
            output=list(failed.output),
            hint=failed.hint,
        )


def label(resource: Resource) -> dict[str, Any]:
    """What events say of a resource."""
    return {"kind": resource.kind, "name": resource.name, "component": resource.component}


def _shown(change: Change) -> str:
    if change.secret:
        return f"{change.property}: differs"
    return f"{change.property}: is {change.before!r}, wanted {change.after!r}"


def _unexpected(error: Exception) -> ResourceFailed:
    """An error that no kind expected: an OSError speaks for itself, else the place in our code helps us."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return ResourceFailed(f"{where}{error.strerror}", tried=f"errno {error.errno}")
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_code.co_filename.rpartition('/')[2]}:{last.tb_lineno}" if last is not None else ""
    return ResourceFailed(
        f"{type(error).__name__}: {error}", tried=place, hint="this is a fault of Wallcloud; please report it"
    )
