"""Read, compare, apply: a part's resources in order, the parts in threads. A plan is the same without the last step."""

import errno
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.node.context import Run
from wallcloud.node.failure import Cancelled, ResourceFailed
from wallcloud.node.resource import Change, Resource
from wallcloud.node.session import Session
from wallcloud.node.spec import Part, Spec


@dataclass
class Tally:
    """How many resources ended how."""

    applied: int = 0
    unchanged: int = 0
    planned: int = 0
    failed: int = 0
    left: int = 0


@frozen
class _Halt:
    """Why what comes later is left: in words for that, and in words for those on other nodes who wait for it."""

    why: str
    cause: str


def converge(spec: Spec, secrets: Mapping[str, str], session: Session, *, planning: bool) -> str:
    """Brings the node to `spec`, or says what that would change; returns "ok", "failed" or "cancelled".

    Each part of the spec runs in a thread of its own as soon as those that it stands on are done. A failure leaves the
    rest of its part and all that stands on it; what does not goes on. A plan goes on everywhere.
    """
    session.hide(secrets)
    return _Converge(spec, Run(spec, secrets, session, planning=planning), session).run()


class _Guarded(Exception):
    """A guard stopped, so nothing may be changed."""

    def __init__(self, halt: _Halt) -> None:
        super().__init__(halt.why)
        self.halt = halt


class _Converge:
    def __init__(self, spec: Spec, run: Run, session: Session) -> None:
        self._spec = spec
        self._run = run
        self._session = session
        self._tally = Tally()
        self._news = threading.Condition()
        self._ended: dict[str, _Halt | None] = {}
        """The parts that are over, and why one stopped."""
        self._guards = frozenset(part.name for part, _ in spec.ranges() if part.guard)

    def run(self) -> str:
        begun = time.monotonic()
        self._session.emit("begin", count=len(self._spec.resources))
        for part, indices in self._spec.ranges():
            if part.guard:
                continue  # it begins now, whatever is slow in it
            slow = [each for each in self._spec.resources[indices.start : indices.stop] if _reads_ahead(each)]
            if slow:
                threading.Thread(target=self._ahead, args=(slow,), name="ahead", daemon=True).start()
        todo = dict(self._spec.ranges())
        count = len(todo)
        with self._news:
            while len(self._ended) < count:
                for part in tuple(todo):  # in their order: what is left here, later ones may stand on
                    self._begin(part, todo)
                if len(self._ended) < count:
                    self._news.wait()
        return self._finish(time.monotonic() - begun)

    def _ahead(self, resources: list[Resource]) -> None:
        """Of a part in order and in one thread: they ask the same servers, mostly over one connection."""
        for resource in resources:
            if self._run.disturbed:
                return  # what is read now holds no longer than the next change
            with suppress(Exception):
                resource.ahead(self._run)

    def _begin(self, part: Part, todo: dict[Part, range]) -> None:
        """Starts a part whose turn has come; leaves it as soon as one that it stands on has stopped."""
        before = [self._ended[name] for name in part.after if name in self._ended]
        halt = next((each for each in before if each), None)
        if halt is not None:
            self._leave(todo.pop(part), halt)
            self._ended[part.name] = halt
        elif len(before) == len(part.after):
            threading.Thread(target=self._part, args=(part, todo.pop(part)), name=part.name, daemon=True).start()

    def _part(self, part: Part, indices: range) -> None:
        halt: _Halt | None = _Halt("cut off by a fault of Wallcloud", "a fault of Wallcloud")
        try:
            halt = self._in_order(indices, part.guard)
        finally:
            with self._news:
                self._ended[part.name] = halt
                self._news.notify_all()

    def _pass_guards(self) -> None:
        """Waits until every guard has let changes pass. Raises _Guarded, Cancelled."""
        with self._news:
            self._news.wait_for(lambda: self._guards <= self._ended.keys())
            halt = next((halt for name in self._guards if (halt := self._ended[name])), None)
        if halt:
            raise _Guarded(halt)
        if self._session.stopped:
            raise Cancelled(self._session.stopped)

    def _in_order(self, indices: range, guard: bool) -> _Halt | None:
        """Every resource of a part; why it stopped where it did."""
        for index in indices:
            resource = self._spec.resources[index]
            self._run.take(index)
            try:
                if self._session.stopped:
                    raise Cancelled(self._session.stopped)
                self._one(index, resource, guard)
            except Cancelled as why:
                halt = _Halt(str(why), str(why))
                self._leave(range(index, indices.stop), halt)
                return halt
            except _Guarded as stopped:
                self._leave(range(index, indices.stop), stopped.halt)
                return stopped.halt
            except Exception as error:  # whatever a resource runs into is told; none takes the session down
                halt = self._fail(index, resource, error)
                if not self._run.planning:
                    self._leave(range(index + 1, indices.stop), halt)
                    return halt
        return None

    def _leave(self, indices: range, halt: _Halt) -> None:
        for index in indices:
            resource = self._spec.resources[index]
            self._count("left")
            self._session.emit("left", index=index, resource=label(resource), why=halt.why)
            self._disappoint(resource, halt.cause)

    def _disappoint(self, resource: Resource, why: str) -> None:
        """Tells at once, here and elsewhere, that what `resource` publishes does not come: somebody may wait for it."""
        for milestone in resource.publishes:
            self._session.unreachable(milestone, why)
            self._session.emit("milestone-failed", name=milestone, why=why)

    def _count(self, how: str) -> None:
        with self._news:
            setattr(self._tally, how, getattr(self._tally, how) + 1)

    def _finish(self, seconds: float) -> str:
        outcome = "failed" if self._tally.failed else "cancelled" if self._tally.left else "ok"
        counts = {each: getattr(self._tally, each) for each in ("applied", "unchanged", "planned")}
        self._session.emit("finished", outcome=outcome, **counts, seconds=round(seconds, 3))
        return outcome

    def _one(self, index: int, resource: Resource, guard: bool) -> None:
        self._session.emit("started", index=index, resource=label(resource))
        begun = time.monotonic()
        changes = resource.compare(self._run)
        if changes and not self._run.planning and not guard:
            self._pass_guards()
        if changes and not self._run.planning and self._await(index, resource):
            changes = resource.compare(self._run)  # what was read before may have changed in the meantime
        if not changes:
            outcome = "unchanged"
            self._count("unchanged")
        elif self._run.planning:
            outcome = "planned"
            self._count("planned")
            self._run.touch(resource.alters(changes))
        else:
            outcome = "applied"
            self._apply(resource, changes)
            self._count("applied")
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

    def _fail(self, index: int, resource: Resource, error: Exception) -> _Halt:
        self._count("failed")
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
        name = f"{resource.kind} {resource.name}"
        halt = _Halt(f"{name} before it failed", f"{name}: {failed.what}")
        self._disappoint(resource, halt.cause)
        return halt


def _reads_ahead(resource: Resource) -> bool:
    return type(resource).ahead is not Resource.ahead


def label(resource: Resource) -> dict[str, Any]:
    """What events say of a resource."""
    return {"kind": resource.kind, "name": resource.name, "component": resource.component}


def _shown(change: Change) -> str:
    if change.secret:
        return f"{change.property}: differs"
    return f"{change.property}: is {change.before!r}, wanted {change.after!r}"


_MENDS = {
    errno.ENOSPC: "make room on the node (df -h and df -i tell where it lacks), then apply again",
    errno.EDQUOT: "the quota of root is used up there: make room, then apply again",
    errno.EROFS: "the file system is read-only: dmesg on the node tells whether its disk failed",
}


def _unexpected(error: Exception) -> ResourceFailed:
    """An error that no kind expected: an OSError speaks for itself, else the place in our code helps us."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return ResourceFailed(
            f"{where}{error.strerror}", tried=f"errno {error.errno}", hint=_MENDS.get(error.errno or 0, "")
        )
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_code.co_filename.rpartition('/')[2]}:{last.tb_lineno}" if last is not None else ""
    return ResourceFailed(
        f"{type(error).__name__}: {error}", tried=place, hint="this is a fault of Wallcloud; please report it"
    )
