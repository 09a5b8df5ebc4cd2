"""One SSH session with one node: the system's `ssh` carries the program in, and JSON lines both ways."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeAlias, cast

from wallcloud.deploy import carrier
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

CONNECT_SECONDS = 10
CLOSE_SECONDS = 5.0
_ALIVE_SECONDS = 15.0
SILENCE_SECONDS = 3 * _ALIVE_SECONDS
"""A node that hears no sign of life for so long stops after the resource in hand: its deployer is gone. Shorter than it
takes ssh to say that a node is gone (`Target.argv`), so that the next apply finds no lock."""
_LINE_LIMIT = 64 * 1024 * 1024
_CHUNK = 256 * 1024
_LAST_LINES = 15
_ERRORS_READ = 64 * 1024

Event = dict[str, Any]
_Frame: TypeAlias = bytes | tuple[str, Path] | Iterator[bytes]
"""A message, a blob, or what makes frames."""


@frozen
class Target:
    """How a node is reached: what `ssh` is told. Everything else (keys, agents, bastions) is the user's own config."""

    node: str
    host: str
    user: str
    port: int
    config: Path | None

    def argv(self, command: str, *, fresh: bool = False) -> list[str]:
        """The `ssh` command line. `fresh` insists on a new connection (ssh_config(5), ControlPath)."""
        options = ["-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}"]
        options += ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"]
        # A master that stays in the background would hold our pipes; one that runs already is used.
        options += ["-o", "ControlMaster=no"]
        if fresh:
            options += ["-o", "ControlPath=none"]
        if self.config is not None:
            options += ["-F", str(self.config)]
        return ["ssh", *options, "-p", str(self.port), "-l", self.user, "--", self.host, command]

    def by_hand(self) -> str:
        """What a user types to see for himself."""
        config = [] if self.config is None else ["-F", str(self.config)]
        port = [] if self.port == 22 else ["-p", str(self.port)]
        return shlex.join(["ssh", *config, *port, f"{self.user}@{self.host}", "true"])

    def python(self) -> str:
        """The remote command that runs the loader, as root."""
        return self.as_root(f"python3 -I -c {shlex.quote(carrier.LOADER)}")

    def as_root(self, command: str) -> str:
        """The remote command that runs one as root, where the user is another."""
        return f"exec {command}" if self.user == "root" else f"exec sudo -n -- {command}"


class SessionLost(WallcloudError):
    """The connection ended before the node said that it had finished."""


def no_ssh(target: Target, error: OSError) -> SessionLost:
    """This computer's own `ssh` cannot be started."""
    return SessionLost(
        f"the program ssh cannot be started here: {error.strerror}",
        where=target.node,
        hint="apt-get install openssh-client",
    )


class Session:
    """An open session. What is sent is queued and never waited for: a slow node holds up nobody else."""

    def __init__(self, target: Target, process: asyncio.subprocess.Process, errors: BinaryIO) -> None:
        self.target = target
        self._process = process
        self._errors = errors
        self._broken: SessionLost | None = None
        self._outgoing: deque[_Frame] = deque()
        self._more = asyncio.Event()
        self._writer = asyncio.create_task(self._write())
        self._beat: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Starts `ssh` and sends the program. A node that cannot be reached shows in `events` as SessionLost.

        Raises SessionLost where there is no `ssh` to start.
        """
        # A file, not a pipe: a master of ssh's that goes to the background would keep a pipe open for ever.
        errors = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the session
        try:
            process = await asyncio.create_subprocess_exec(
                *target.argv(target.python()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE_LIMIT,
                start_new_session=True,  # Ctrl-C is the deployer's to handle: ssh ends when its stdin does
            )
        except OSError as error:
            raise no_ssh(target, error) from error
        session = cls(target, process, errors)
        session._put(carrier.head())
        session._put(carrier.zipapp())
        return session

    def send(self, message: Mapping[str, Any]) -> None:
        """Queues one message. A lost connection shows in `events`, not here."""
        self._put(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def send_blob(self, digest: str, path: Path) -> None:
        """Queues a blob's bytes with their header, as one frame; it is read when its turn comes."""
        self._put((digest, path))

    def send_frames(self, frames: Iterator[bytes]) -> None:
        """Queues frames that are made when their turn comes. What goes wrong in that shows in `events`."""
        self._put(frames)

    def keep_alive(self) -> None:
        """Sends signs of life from now on: a node that hears none stops, though its connection looks open."""
        self._beat = self._beat or asyncio.create_task(self._live())

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(_ALIVE_SECONDS)
            self.send({"op": "alive"})

    def cancel(self) -> None:
        """Asks the node to stop after the resource in hand; blobs that still stand in the queue are not sent."""
        kept = [frame for frame in self._outgoing if isinstance(frame, bytes)]
        self._outgoing.clear()
        self._outgoing.extend(kept)
        self.send({"op": "cancel"})

    def _put(self, frame: _Frame) -> None:
        self._outgoing.append(frame)
        self._more.set()

    async def _write(self) -> None:
        """Sends frame after frame. Where one cannot be sent whole the session is over: frames would be out of step."""
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._outgoing:
                    frame = self._outgoing.popleft()
                    if isinstance(frame, bytes):
                        await self._pipe(frame)
                    elif isinstance(frame, tuple):
                        await self._pipe_blob(*frame)
                    else:
                        while (piece := await asyncio.to_thread(next, frame, None)) is not None:
                            await self._pipe(piece)
        except (BrokenPipeError, ConnectionResetError):
            return
        except WallcloudError as error:  # of what makes frames
            self._broken = SessionLost(error.what, where=error.where, hint=error.hint)
            self._close_input()
        except OSError as error:
            self._broken = SessionLost(
                f"the cache cannot be read: {error.strerror}",
                where=str(error.filename or "the cache"),
                hint="run: wallcloud build",
            )
            self._close_input()

    async def _pipe_blob(self, digest: str, path: Path) -> None:
        with path.open("rb") as file:
            size = path.stat().st_size
            await self._pipe(json.dumps({"op": "blob", "digest": digest, "size": size}).encode() + b"\n")
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                await self._pipe(chunk)

    async def _pipe(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
        for begin in range(0, len(data), _CHUNK):  # asyncio copies what ssh does not take at once, for every node
            self._process.stdin.write(memoryview(data)[begin : begin + _CHUNK])
            await self._process.stdin.drain()

    async def events(self) -> AsyncIterator[Event]:
        """Every event until the node closes. Raises SessionLost where that came before its last word."""
        finished = False
        while (event := await self._event()) is not None:
            finished = finished or event["event"] in ("finished", "locked")
            yield event
        await self._process.wait()
        if self._broken:
            raise self._broken
        if not finished:
            raise self._lost()

    async def _event(self) -> Event | None:
        """The next event; None at the end. Raises SessionLost for what is none, and gives the session up."""
        assert self._process.stdout is not None  # noqa: S101 - it was opened as a pipe
        line = b""
        try:
            line = await self._process.stdout.readline()
            if not line:
                return None
            event = json.loads(line)
            if not isinstance(event, dict) or not isinstance(event.get("event"), str):
                raise ValueError("no event")
            if event["event"] == "data":
                event["data"] = await self._process.stdout.readexactly(int(event["bytes"]))
        except asyncio.IncompleteReadError:
            return None
        except (KeyError, ValueError, RecursionError) as error:
            self._close_input()
            raise SessionLost(
                "the node said something that is no event",
                where=self.target.node,
                output=(line.decode(errors="replace").rstrip()[:200] or f"a line longer than {_LINE_LIMIT} bytes",),
                hint="a login script on the node that prints breaks the session; make it silent for programs",
            ) from error
        return event

    def _lost(self) -> SessionLost:
        output = self._last_errors()
        status = self._process.returncode
        if status == 255:
            return SessionLost(
                "cannot be reached by SSH",
                where=self.target.node,
                output=output,
                hint=f"try it: {self.target.by_hand()}",
            )
        if status == 127:
            return SessionLost(
                "has no python3", where=self.target.node, output=output, hint="apt-get install python3 there"
            )
        if any(line.startswith("sudo:") for line in output):
            return SessionLost(
                f"{self.target.user} may not become root there",
                where=self.target.node,
                output=output,
                hint=f"let it, without a password: {self.target.user} ALL=(ALL) NOPASSWD: ALL in /etc/sudoers.d",
            )
        return SessionLost(
            f"the session ended early (status {status})",
            where=self.target.node,
            output=output,
            hint="nothing is half done that the next apply does not finish: run wallcloud apply again",
        )

    def _last_errors(self) -> tuple[str, ...]:
        """The last lines of what ssh and the node wrote to stderr."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _ERRORS_READ))
        lines = self._errors.read().decode(errors="replace").splitlines()
        return tuple(line.rstrip() for line in lines if line.strip())[-_LAST_LINES:]

    def _close_input(self) -> None:
        self._writer.cancel()
        if self._beat is not None:
            self._beat.cancel()
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.close()

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Ends the session: stdin closes, so the node stops after the resource in hand; ssh is ended in `seconds`."""
        self._close_input()
        try:
            async with asyncio.timeout(seconds):
                await self._ended()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            with suppress(TimeoutError):
                # Bounded: what it left in the background may hold its pipes.
                async with asyncio.timeout(1):
                    await self._ended()
        self._errors.close()

    async def _ended(self) -> None:
        """Waits for the end of ssh. What it still says is read, or it could not end."""
        assert self._process.stdout is not None  # noqa: S101 - it was opened as a pipe
        while await self._process.stdout.read(_CHUNK):
            pass
        await self._process.wait()


async def reachable(target: Target) -> str | None:
    """None where a *new* connection to the node works; else why not (the last line of ssh's own words)."""
    try:
        process = await asyncio.create_subprocess_exec(
            *target.argv("true", fresh=True),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return f"the program ssh cannot be started here: {error.strerror}"
    _, errors = await process.communicate()
    if process.returncode == 0:
        return None
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"ssh ended with status {process.returncode}"
