"""What a plan says: per node what is made (+), changed (~), and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from wallcloud.deploy.run import Outcome, Summary

_SIGNS = {"-": "red", "+": "green", "@": "cyan"}
Event = dict[str, Any]


def lines(summary: Summary, *, whole: bool, details: bool) -> Iterator[Text]:
    """The plan of every node. Not `whole`: counts alone; `details`: also the properties of what is made anew."""
    for outcome in summary.outcomes:
        yield Text(_head(outcome), style="bold red" if outcome.status != "ok" else "bold")
        for event in outcome.changes if whole else ():
            yield from _resource(event, details)


def _head(outcome: Outcome) -> str:
    counts = f"{outcome.planned} to change, {outcome.unchanged} as they should be"
    if outcome.status == "ok":
        return f"{outcome.node}: {counts if outcome.planned else 'nothing to do'}"
    return f"{outcome.node}: {outcome.status}: {outcome.why}{f' ({counts})' if outcome.planned else ''}"


def _resource(event: Event, details: bool) -> Iterator[Text]:
    resource, changes = event["resource"], event["changes"]
    made = all(change["before"] is None for change in changes) and not any(_edited(change) for change in changes)
    line = Text(f"  {'+' if made else '~'} ", style="green" if made else "yellow")
    line.append(f"{resource['kind']} {resource['name']}", style="default")
    if event["reason"]:
        line.append(f" — {event['reason']}", style="dim default")
    yield line
    for change in changes if details or not made else ():
        yield from _change(change)
    if event["consequence"]:
        yield Text(f"      then: {event['consequence']}", style="bold")


def _edited(change: Event) -> bool:
    """Whether a text was there before: a diff that takes lines away, or has lines around it."""
    return any(line[:1] in ("-", " ") for line in (change["diff"] or "").splitlines())


def _change(change: Event) -> Iterator[Text]:
    name = change["property"]
    if change["diff"]:
        # Where a secret is part of a text the node has put its name in its place.
        yield Text(f"      {name}:")
        for line in str(change["diff"]).splitlines():
            yield Text(f"        {line}", style=_SIGNS.get(line[:1], ""))
    elif change["secret"]:
        yield Text(f"      {name}: changes (a secret: not shown)")
    else:
        yield Text(f"      {name}: {_value(change['before'])} → {_value(change['after'])}")


def _value(value: Any) -> str:
    match value:
        case None:
            return "absent"
        case list():
            return ", ".join(map(str, value)) or "none"
        case bool():
            return "yes" if value else "no"
        case "":
            return "empty"
    return str(value)


def verdict(summary: Summary, again: str) -> Iterator[Text]:
    """The last lines: what apply would do in sum, and what to do next. `again` is said after `wallcloud apply`."""
    left = [outcome for outcome in summary.outcomes if outcome.status != "ok"]
    nodes = len(summary.outcomes)
    if summary.planned:
        changing = [outcome for outcome in summary.outcomes if outcome.planned]
        yield Text("")
        yield Text(
            f"{summary.planned} to change on {len(changing)} of {_nodes(nodes)}. Next: wallcloud apply{again}",
            style="bold",
        )
        follows = _consequences(summary)
        for consequence, where in follows.items():
            yield Text(f"  {consequence}: {', '.join(where)}")
        if not follows:
            yield Text("  interrupts: nothing")
    elif not left:
        are = "is" if nodes == 1 else "are"
        yield Text(f"nothing to do: {_nodes(nodes)} {are} as the site says", style="bold green")
    if left:
        names = ", ".join(outcome.node for outcome in left)
        yield Text(f"not known for {names}: mend that, then plan again", style="bold red")


def _nodes(count: int) -> str:
    return f"{count} node" if count == 1 else f"{count} nodes"


def _consequences(summary: Summary) -> dict[str, list[str]]:
    """Consequence → the nodes where apply has it."""
    found: dict[str, list[str]] = {}
    for outcome in summary.outcomes:
        for event in outcome.changes:
            if event["consequence"] and outcome.node not in found.setdefault(event["consequence"], []):
                found[event["consequence"]].append(outcome.node)
    return found


def applied(summary: Summary, again: str) -> Iterator[Text]:
    """The last lines of an apply."""
    left = [outcome for outcome in summary.outcomes if outcome.status != "ok"]
    for outcome in left:
        yield Text(f"{outcome.node}: {outcome.status}: {outcome.why}".removesuffix(": "), style="bold red")
    nodes = len(summary.outcomes)
    if left:
        yield Text(
            f"{summary.applied} changed; {nodes - len(left)} of {_nodes(nodes)} as the site says. "
            f"Mend what is named above, then: wallcloud apply{again}",
            style="bold",
        )
    else:
        are = "is" if nodes == 1 else "are"
        changed = f"{summary.applied} changed" if summary.applied else "nothing to do"
        yield Text(
            f"{changed}: {_nodes(nodes)} {are} as the site says. Next: wallcloud verify{again}", style="bold green"
        )
