"""Wallcloud's command as its users run it: a process of its own, watched line by line."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Self

Event = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """How a command ended: exit status (negative = signal), both outputs, seconds of wall clock."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def said(self) -> str:
        """Everything that it said."""
        return f"{self.stdout}\n{self.stderr}"

    @property
    def events(self) -> list[Event]:
        """What `--json` printed, an event a line."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def summary(self) -> Event:
        """The last event of a plan or an apply."""
        return next(event for event in self.events if event["event"] == "summary")

    def expect(self, status: int, what: str = "") -> Self:
        """Fails with all that was said where the status is another. No traceback may ever be shown."""
        story = f"{what}\n$ wallcloud {' '.join(self.argv)}   ({self.seconds:.1f} s)\n{_last(self.said)}"
        assert "Traceback" not in self.said, f"a traceback reached the user: {story}"
        assert self.status == status, f"exit status {self.status} instead of {status}: {story}"
        return self


def _last(text: str, count: int = 30) -> str:
    return "\n".join(f"  | {line[:300]}" for line in text.splitlines()[-count:])


def _is_event(line: str, node: str, names: Sequence[str]) -> bool:
    return line.startswith("{") and (event := json.loads(line)).get("node") == node and event["event"] in names


class Running:
    """A command at work. Its lines can be waited for; `end` is safe to call at any time."""

    def __init__(
        self, argv: Sequence[str], words: Sequence[str], environment: Mapping[str, str], input: str | None = None
    ) -> None:
        """`input` is the beginning of its standard input, which ends by `close_input`; None: there is none."""
        self._words = tuple(words)
        self._begun = time.monotonic()
        self._news = threading.Condition()
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._process = subprocess.Popen(
            [*argv, *words],
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environment),
            start_new_session=True,
        )
        streams = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True) for name, stream in streams.items()
        ]
        for reader in self._readers:
            reader.start()
        if self._process.stdin:
            self._process.stdin.write(input or "")
            self._process.stdin.flush()

    def close_input(self) -> None:
        """Its standard input ends."""
        if self._process.stdin:
            self._process.stdin.close()

    def _read(self, name: str, stream: IO[str]) -> None:
        for line in stream:
            with self._news:
                self._lines[name].append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def until(self, seen: Callable[[str], bool], what: str, seconds: float = 600) -> str:
        """The first line of either output for which `seen` holds; fails where it ends, or is late, before."""
        end = time.monotonic() + seconds

        def found() -> str | None:
            return next((line for lines in self._lines.values() for line in lines if seen(line)), None)

        with self._news:
            while (line := found()) is None:
                over = not any(reader.is_alive() for reader in self._readers)
                assert not over, f"it ended before {what}: {_last(self._all())}"
                assert time.monotonic() < end, f"not within {seconds} s: {what}: {_last(self._all())}"
                self._news.wait(0.5)
        return line

    def until_event(self, node: str, *names: str, seconds: float = 600) -> Event:
        """The first event of `node` with one of these names; for commands with `--json`."""
        line = self.until(lambda line: _is_event(line, node, names), f"{node} says {names}", seconds)
        found: Event = json.loads(line)
        return found

    def said(self, node: str, *names: str) -> bool:
        """Whether an event of `node` with one of these names has come already; for commands with `--json`."""
        with self._news:
            return any(_is_event(line, node, names) for line in self._lines["stdout"])

    def _all(self) -> str:
        return "\n".join(line for lines in self._lines.values() for line in lines)

    def signal(self, number: signal.Signals) -> None:
        """To its process group, as a terminal sends Ctrl-C."""
        os.killpg(self.pid, number)

    def over(self, seconds: float) -> bool:
        """Waits until it has ended by itself, or for `seconds`; says whether it has."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def done(self, seconds: float) -> Done:
        """Waits for its end; fails (and kills it) where that takes longer than `seconds`."""
        in_time = self.over(seconds)
        self.end()
        took = time.monotonic() - self._begun
        for reader in self._readers:
            reader.join(5)
        with self._news:
            texts = ["\n".join(self._lines[name]) for name in ("stdout", "stderr")]
        done = Done(self._words, self._process.returncode, texts[0], texts[1], took)
        assert in_time, f"still at work after {seconds:.0f} s: wallcloud {' '.join(self._words)}\n{_last(done.said)}"
        return done

    def end(self) -> None:
        """SIGKILL, to this process alone; nothing where it has ended."""
        if self.alive:
            self._process.kill()
            self._process.wait()
