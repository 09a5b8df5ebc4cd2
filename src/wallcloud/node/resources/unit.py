"""A unit of ours: its file, and that it runs, started with what is wanted now."""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal

from wallcloud.frozen import frozen
from wallcloud.node import files, stamp, systemd
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, Value, changed
from wallcloud.node.resources.file import File
from wallcloud.node.run import run, tail, wait_for
from wallcloud.node.spec import Record
from wallcloud.node.stamp import STAMP_PATH, STAMP_SCRIPT, stamp_lines

__all__ = ["STAMP_PATH", "STAMP_SCRIPT", "Input", "Unit", "stamp_lines"]

READY = "/run/wallcloud/ready"
PROBE_SECONDS = 15


@frozen(kw_only=True)
class Input(Record):
    """A file that the running unit was started with, and what a change of it needs."""

    path: str
    on: Literal["restart", "reload"] = "restart"


@frozen(kw_only=True)
class Unit(Resource):
    """The file /etc/systemd/system/<unit>; with an [Install] section also enabled and active, else only loadable.

    `inputs` are the paths that the stamp line of `text` names (`stamp_lines`). `ready` is run until it exits 0 after
    a start, within `ready_seconds`; it must change nothing.
    """

    kind: ClassVar[str] = "unit"
    unit: str
    text: str
    inputs: tuple[Input, ...] = ()
    ready: tuple[str, ...] | None = None
    ready_seconds: int = 60

    @property
    def name(self) -> str:
        return self.unit

    def paths(self) -> tuple[str, ...]:
        return (systemd.in_etc(self.unit),)

    def asked_units(self) -> tuple[str, ...]:
        return (self.unit,)

    @property
    def _installed(self) -> bool:
        return any(line.strip() == "[Install]" for line in self.text.splitlines())

    @property
    def runs(self) -> bool:
        """Whether it is to be active: not the oneshot that a timer starts, and no template."""
        ends = "Type=oneshot" in self.text and "RemainAfterExit=yes" not in self.text
        return self._installed and not ends and "@." not in self.unit

    def stands_still(self, ctx: Context) -> bool:
        """Whether it is to be active and is not."""
        return self.runs and systemd.status(ctx, self.unit).active != "active"

    @property
    def _stamped(self) -> bool:
        return self.runs and stamp.DEFINITION in self.text

    def desired(self, ctx: Context) -> State:
        state: dict[str, Value] = {
            "text": stamp.with_definition(self.text)[0],
            "type": "file",
            "owner": "root",
            "group": "root",
            "mode": "0644",
            "drop-ins": (),
            "loaded": "as the file says",
        }
        if self._installed:
            state["enabled"] = "enabled"
        if self.runs:
            state["active"] = "active"
        if self._stamped:
            state["running"] = "current"
        if self.runs and self.ready is not None:
            state["ready"] = True
        return state

    def read(self, ctx: Context) -> State | None:
        path = systemd.in_etc(self.unit)
        found, status = files.status(path), systemd.status(ctx, self.unit)
        if found is None and status.active == "inactive":
            return None
        kind = files.type_of(found, path) if found is not None else "absent"
        state: dict[str, Value] = {
            "text": files.read_text(path) if kind == "file" else None,
            "type": kind,
            **(files.owner_of(found) if found is not None else {}),
            "drop-ins": systemd.drop_ins(self.unit, status),
            "loaded": "an older file" if status.need_reload else "as the file says",
            "enabled": status.enabled,
            "active": status.active,
        }
        if self._stamped:
            state["running"] = self._running(ctx, status)
        if self.runs and self.ready is not None:
            state["ready"] = status.active == "active" and self._is_ready(status)
        return state

    def _running(self, ctx: Context, status: systemd.Status) -> str:
        if status.active not in {"active", "reloading"}:
            return "absent"
        stale = self._stale(ctx)
        return f"stale: {', '.join(stale)}" if stale else "current"

    def _stale(self, ctx: Context) -> tuple[str, ...]:
        """What the running unit was started with that is not what is wanted: paths, or "definition"."""
        found = stamp.read(self.unit)
        if found is None:
            return ("started without a stamp",)
        text, definition = stamp.with_definition(self.text)
        wanted: dict[str, str | None] = {
            "definition": definition,
            systemd.in_etc(self.unit): sha256(text.encode()).hexdigest(),
        }
        files_of_spec = _contents(ctx)
        moved = set[str]()
        for each in self.inputs:
            if each.path in files_of_spec:
                wanted[each.path] = files_of_spec[each.path]
            else:
                wanted[each.path] = stamp.digest_on_disk(ctx, each.path)
                if ctx.planning and ctx.touched(each.path):
                    moved.add(each.path)
        names = dict.fromkeys((*wanted, *found))
        return tuple(name for name in names if wanted.get(name) != found.get(name) or name in moved)

    def _is_ready(self, status: systemd.Status) -> bool:
        """Whether the probe has passed since this start: noted by an apply, else asked once now."""
        assert self.ready is not None  # noqa: S101 - the caller looked
        with suppress(OSError):
            if (Path(READY) / self.unit).read_text() == status.invocation:
                return True
        return probe(self.ready)[0]

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        path = systemd.in_etc(self.unit)
        before = systemd.now(self.unit)
        if changed(changes, "text", "type"):
            files.write(path, stamp.with_definition(self.text)[0].encode(), "root", "root", 0o644)
        elif changed(changes, "owner", "group", "mode"):
            files.own(path, "root", "root", 0o644)
        for extra in systemd.drop_ins(self.unit, before):
            files.discard(extra)
            with suppress(OSError):
                Path(extra).parent.rmdir()
        if self._installed and changed(changes, "enabled", "text"):
            systemd.systemctl("reenable", "--quiet", "--no-reload", self.unit)
        redefined = changed(changes, "text", "type", "drop-ins", "loaded")
        # What systemd has never seen it reads when it is started; a reload reads every unit of the node.
        if before.load != "not-found" and (redefined or changed(changes, "enabled")):
            systemd.daemon_reload()
        if self.runs:
            self._bring_up(ctx, redefined)

    def _bring_up(self, ctx: Context, redefined: bool) -> None:
        """Starts, restarts or reloads as what runs needs it; then waits until it is ready."""
        status = systemd.now(self.unit)
        verb = self._verb(ctx, status, redefined)
        if verb:
            systemd.forget_failures(self.unit)
            ctx.note(f"{verb} {self.unit}")
            if verb != "reload" and self.unit.endswith(".socket"):
                self._clear_the_way(ctx, f"{self.unit.removesuffix('.socket')}.service")
            systemd.start(verb, self.unit)
            if verb == "start" and self._stamped and self._stale(ctx):
                # A request at its socket, or a unit that needs it, had begun to start it before its inputs were right.
                systemd.start("restart", self.unit)
        if self.ready is not None:
            self._wait_ready()

    def _clear_the_way(self, ctx: Context, service: str) -> None:
        """systemd opens a socket neither for a service that it does not know nor under one that runs.

        The service's own resource comes later: what is missing here is its file, and it starts it.
        """
        status = systemd.now(service)
        if status.active not in {"inactive", "failed"}:
            systemd.systemctl("stop", service)
        if status.load == "not-found":
            for each in ctx.resources:
                if isinstance(each, Unit) and each.unit == service:
                    text = stamp.with_definition(each.text)[0]
                    files.write(systemd.in_etc(service), text.encode(), "root", "root", 0o644)
            # Asked about, systemd reads what it did not find before; starting the socket alone would not make it.
            systemd.show(service)

    def _verb(self, ctx: Context, status: systemd.Status, redefined: bool) -> str:
        if status.active not in {"active", "reloading"}:
            return "start"
        if not self._stamped:
            return "restart" if redefined else ""
        stale = self._stale(ctx)
        if not stale:
            return ""
        reloads = {each.path for each in self.inputs if each.on == "reload"}
        return "reload" if set(stale) <= reloads else "restart"

    def _wait_ready(self) -> None:
        assert self.ready is not None  # noqa: S101 - the caller looked
        last: tuple[str, ...] = ()
        status = systemd.Status(self.unit)

        def passes() -> bool:
            nonlocal last, status
            passed, last = probe(self.ready or ())
            if not passed:
                status = next(iter(systemd.show(self.unit)), status)
                if status.active in {"failed", "inactive"}:
                    raise systemd.unit_failed(self.unit, f"wait until {self.unit} is ready")
            return passed

        if not wait_for(passes, self.ready_seconds):
            raise ResourceFailed(
                f"{self.unit} runs but is not ready after {self.ready_seconds} s",
                tried=" ".join(self.ready),
                output=(*last[-5:], *systemd.journal(self.unit, 10)),
                hint=f"the whole story on the node: journalctl -u {self.unit}",
            )
        status = next(iter(systemd.show(self.unit)), status)
        Path(READY).mkdir(parents=True, exist_ok=True)
        (Path(READY) / self.unit).write_text(status.invocation)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        by = {each.property: each for each in changes}
        if "active" in by:
            return f"starts {self.unit}"
        running = by.get("running")
        if running is None:
            return ""
        stale = str(running.before or "").removeprefix("stale: ").split(", ")
        reloads = {each.path for each in self.inputs if each.on == "reload"}
        return f"reloads {self.unit}" if set(stale) <= reloads else f"restarts {self.unit}"


def all_run(ctx: Context) -> bool:
    """Whether every unit of the spec that is to be active is.

    Before that no server is asked anything ahead of its turn: a request would have it started by its socket, with
    inputs that are not right yet.
    """
    return not any(each.stands_still(ctx) for each in ctx.resources if isinstance(each, Unit))


def _contents(ctx: Context) -> Mapping[str, str]:
    """sha256 of the wanted content of every File of the spec."""
    return ctx.kept(
        "contents",
        lambda: {
            each.path: sha256(ctx.fill(each.content).encode()).hexdigest()
            for each in ctx.resources
            if isinstance(each, File)
        },
    )


def probe(argv: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
    """Asks with a unit's `ready`: (whether it exits 0, its last lines)."""
    try:
        done = run(argv, timeout=PROBE_SECONDS, check=False)
    except ResourceFailed as late:
        return False, (late.what, *late.output)
    return done.ok, tail(done.stdout + done.stderr)
