"""Live progress of plan and apply: a line per node on a terminal, plain lines otherwise, JSON events when asked."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wallcloud.deploy.run import at_work

Event = dict[str, Any]
_BAD = ("failed", "lost", "locked", "unconfirmed")


@dataclass
class _Node:
    status: str = "connecting"
    doing: str = ""
    hand: dict[int, tuple[str, bool]] = field(default_factory=dict)
    """Resources in hand: what each last said, and whether it waits for another node; the last to speak comes last."""
    ended: int = 0
    count: int = 0
    changed: int = 0
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None

    def says(self, index: int, text: str, *, waits: bool = False) -> None:
        self.hand.pop(index, None)
        self.hand[index] = (text, waits)
        self._show()

    def ends(self, index: int) -> None:
        self.hand.pop(index, None)
        self.ended += 1
        self._show()

    def _show(self) -> None:
        """Who works is shown before who waits. What failed stays to be read."""
        if self.status in _BAD or not self.hand:
            return
        working = [text for text, waits in self.hand.values() if not waits]
        self.status = "at work" if working else "waiting"
        last = working[-1] if working else next(reversed(self.hand.values()))[0]
        more = len(self.hand) - 1
        self.doing = f"{last} (and {more} more)" if more else last


class JsonEvents:
    """Every event as one JSON line, with its node."""

    def event(self, node: str, event: Event) -> None:
        click.echo(json.dumps({"node": node, **event}, default=str))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class Lines(JsonEvents):
    """Plain lines: what changes, what fails, who is lost. Nothing for what is as it should be."""

    def __init__(self, console: Console, width: int, *, apply: bool) -> None:
        self._console = console
        self._width = width
        self._apply = apply

    def event(self, node: str, event: Event) -> None:
        line = _line(event, apply=self._apply)
        if line:
            style = "bold red" if event["event"] in _BAD else ""
            self._console.print(Text(f"{node:<{self._width}}  {line}", style=style), soft_wrap=True)


class Board(JsonEvents):
    """A terminal's board: one line per node that changes in place, and above it what was changed."""

    def __init__(self, console: Console, nodes: tuple[str, ...], *, apply: bool) -> None:
        self._nodes = {node: _Node() for node in nodes}
        self._lines = Lines(console, max(map(len, nodes), default=0), apply=apply)
        self._apply = apply
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def event(self, node: str, event: Event) -> None:
        known = self._nodes.get(node)
        if known is None:
            return
        match event["event"]:
            case "facts":
                known.status = "ready"
            case "preflight":
                known.status = "tries its wires"
            case "begin":
                known.count, known.status = event["count"], "at work"
            case "started":
                known.says(event["index"], _name(event["resource"]))
            case "progress":
                known.says(event["index"], event["note"])
            case "waiting":
                known.says(event["index"], ", ".join(event["milestones"]), waits=True)
            case "done":
                known.changed += event["outcome"] != "unchanged"
                known.ends(event["index"])
            case "finished":
                # Why it failed stays; what it was doing when it was fine does not.
                known.status, known.doing = event["outcome"], "" if event["outcome"] == "ok" else known.doing
                known.seconds = time.monotonic() - known.started
            case "left":
                known.ends(event["index"])
            case "failed" | "lost" | "locked" as status:
                known.status = status
                if "index" in event:
                    known.ends(event["index"])
                known.doing = at_work(event["holder"]) if status == "locked" else event.get("what") or event["why"]
                known.seconds = time.monotonic() - known.started
        if self._apply or event["event"] in _BAD:
            self._lines.event(node, event)

    def _render(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for _ in range(5):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for name, node in self._nodes.items():
            seconds = node.seconds if node.seconds is not None else time.monotonic() - node.started
            table.add_row(
                name, node.status, f"{node.ended}/{node.count}" if node.count else "", f"{seconds:.0f} s", node.doing
            )
        return table


def _name(resource: Event) -> str:
    return f"{resource['kind']} {resource['name']}"


def _line(event: Event, *, apply: bool) -> str:
    match event["event"]:
        case "done" if event["outcome"] == "applied":
            consequence = f"; {event['consequence']}" if event["consequence"] else ""
            return f"{_name(event['resource'])} ({event['seconds']:.1f} s{consequence})"
        case "waiting":
            return f"waits for {', '.join(event['milestones'])}"
        case "progress" if apply and not event.get("done"):
            return str(event["note"])
        case "failed":
            return "\n".join(
                [
                    f"failed: {_name(event['resource'])}: {event['what']}",
                    *([f"    tried: {event['tried']}"] if event.get("tried") else []),
                    *(f"    | {line}" for line in event.get("output", ())),
                    *([f"    hint: {event['hint']}"] if event.get("hint") else []),
                ]
            )
        case "lost":
            return "\n".join(
                [
                    f"lost: {event['why']}",
                    *(f"    | {line}" for line in event.get("output", ())),
                    *([f"    hint: {event['hint']}"] if event.get("hint") else []),
                ]
            )
        case "preflight" if apply:
            return "tries its wires, before anything is changed"
        case "unconfirmed":
            return f"a new connection does not work, so the old firewall comes back: {event['why']}"
        case "locked":
            return f"locked: {at_work(event['holder'])}"
        case "finished":
            return f"{event['outcome']}: {event['applied']} applied, {event['unchanged']} unchanged" if apply else ""
    return ""


def reporter(console: Console, nodes: tuple[str, ...], *, apply: bool, as_json: bool) -> JsonEvents:
    """The right face for where output goes."""
    if as_json:
        return JsonEvents()
    if console.is_terminal:
        return Board(console, nodes, apply=apply)
    return Lines(console, max(map(len, nodes), default=0), apply=apply)
