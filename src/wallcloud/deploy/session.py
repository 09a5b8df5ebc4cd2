"""One SSH session with one node: the system's `ssh` carries the program in, and JSON lines both ways."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from wallcloud.deploy import carrier
from wallcloud.errors import WallcloudError

CONNECT_SECONDS = 10
_LINE_LIMIT = 64 * 1024 * 1024
_CHUNK = 256 * 1024
_LAST_LINES = 15

Event = dict[str, Any]


@dataclass(frozen=True)
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
        if fresh:
            options += ["-o", "ControlPath=none"]
        if self.config is not None:
            options += ["-F", str(self.config)]
        return ["ssh", *options, "-p", str(self.port), "-l", self.user, "--", self.host, command]

    def python(self) -> str:
        """The remote command that runs the loader, as root."""
        loader = f"python3 -I -c {shlex.quote(carrier.LOADER)}"
        return f"exec {loader}" if self.user == "root" else f"exec sudo -n -- {loader}"


class SessionLost(WallcloudError):
    """The connection ended before the node said that it had finished."""


class Session:
    """An open session. `send` and `events` may be used by different tasks; frames never interleave."""

    def __init__(self, target: Target, process: asyncio.subprocess.Process) -> None:
        self.target = target
        self._process = process
        self._errors: list[str] = []
        self._writing = asyncio.Lock()
        self._stderr = asyncio.create_task(self._read_errors())

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Starts `ssh` and sends the program. A node that cannot be reached shows in `events` as SessionLost."""
        process = await asyncio.create_subprocess_exec(
            *target.argv(target.python()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl-C is the deployer's to handle: ssh ends when its stdin does
        )
        session = cls(target, process)
        await session._write(carrier.head(), carrier.zipapp())
        return session

    async def send(self, message: Event) -> None:
        """Sends one message. A lost connection shows in `events`, not here."""
        await self._write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def send_blob(self, digest: str, path: Path) -> None:
        """Sends a blob's bytes after its header, as one frame."""
        size = path.stat().st_size
        header = json.dumps({"op": "blob", "digest": digest, "size": size}).encode() + b"\n"
        async with self._writing:
            try:
                await self._put(header)
                with path.open("rb") as file:
                    while chunk := await asyncio.to_thread(file.read, _CHUNK):
                        await self._put(chunk)
            except (BrokenPipeError, ConnectionResetError):
                return

    async def _write(self, *parts: bytes) -> None:
        async with self._writing:
            try:
                for part in parts:
                    await self._put(part)
            except (BrokenPipeError, ConnectionResetError):
                return

    async def _put(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def events(self) -> AsyncIterator[Event]:
        """Every event until the node closes. Raises SessionLost where that came before its last word."""
        assert self._process.stdout is not None  # noqa: S101 - it was opened as a pipe
        finished = False
        while line := await self._process.stdout.readline():
            try:
                event = json.loads(line)
            except ValueError as error:
                raise SessionLost(
                    "the node said something that is no event",
                    where=self.target.node,
                    output=(line.decode(errors="replace")[:200],),
                    hint="a login script on the node that prints breaks the session; make it silent for programs",
                ) from error
            finished = finished or event.get("event") in ("finished", "locked")
            yield event
        await self._process.wait()
        await self._stderr
        if not finished:
            raise self._lost()

    def _lost(self) -> SessionLost:
        output = tuple(self._errors[-_LAST_LINES:])
        status = self._process.returncode
        if status == 255:
            return SessionLost(
                "cannot be reached by SSH",
                where=self.target.node,
                output=output,
                hint=f"try it: {shlex.join(self.target.argv('true'))}",
            )
        if status == 127:
            return SessionLost(
                "has no python3", where=self.target.node, output=output, hint="apt-get install python3 there"
            )
        return SessionLost(
            f"the session ended early (status {status})",
            where=self.target.node,
            output=output,
            hint="nothing is half done that the next apply does not finish: run wallcloud apply again",
        )

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was opened as a pipe
        while line := await self._process.stderr.readline():
            self._errors.append(line.decode(errors="replace").rstrip())
            del self._errors[:-200]

    async def finish_input(self) -> None:
        """Says that nothing more comes."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.close()

    async def close(self) -> None:
        """Ends the session: stdin closes, so the node stops after the resource in hand; then ssh is ended."""
        await self.finish_input()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._stderr.cancel()


async def reachable(target: Target) -> str | None:
    """None where a *new* connection to the node works; else why not (the last line of ssh's own words)."""
    process = await asyncio.create_subprocess_exec(
        *target.argv("true", fresh=True),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    _, errors = await process.communicate()
    if process.returncode == 0:
        return None
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"ssh ended with status {process.returncode}"
