"""The screen of `wallcloud status`: 80 columns, and no more than 40 lines for five nodes that are well."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import click

from wallcloud.deploy.status.judging import DAY, unheard
from wallcloud.deploy.status.report import Report
from wallcloud.node.status.model import Agent, Amount, Answer, BusHealth, Capacity, DatabaseHealth, Disk, Pool, Servers

WIDTH = 80
_LABEL = 13
_COLUMN = 16
_GIB = 1024
_UNKNOWN = "not known: see below"


def screen(report: Report) -> Iterator[str]:
    """The lines: nodes with their components, the cloud as a whole, what is not well."""
    count = len(report.problems)
    word = f"{_count(count, 'thing')} not well" if count else "all is well"
    at = f"{datetime.fromtimestamp(report.time).astimezone():%Y-%m-%d %H:%M:%S}"
    head = f"{report.site}: {word}"
    yield click.style(head, fg="red" if count else "green", bold=True) + f"{at:>{WIDTH - len(head)}}"
    yield ""
    width = max(map(len, ("node", *report.nodes, *report.lost)))
    yield click.style(
        f"{'node':<{width}}  " + _columns("units well", "certificates", "disk free", "memory free"), bold=True
    )
    for node, answer in report.nodes.items():
        yield from _node(node, width, answer, report.time)
    for node, why in report.lost.items():
        yield f"{node:<{width}}  {click.style(why, fg='red')}"
    cloud = [line for answer in report.nodes.values() for line in _cloud(answer, report)]
    yield from ["", *cloud] if cloud else ()
    if report.problems:
        yield ""
    for problem in report.problems:
        where = " ".join(each for each in (problem.node, problem.component) if each)
        for line in _hung(f"{where}: {problem.what}" if where else problem.what, "", "  "):
            yield click.style(line, fg="red")
        if problem.hint:
            yield from _hung(problem.hint, "  ", "  ")


def _node(node: str, width: int, answer: Answer, now: float) -> Iterator[str]:
    well = f"{sum(each.well for each in answer.units)} of {len(answer.units)}"
    columns = _columns(well, _certificates(answer, now), _disk(answer.disks), _gib(answer.memory_free))
    yield f"{click.style(f'{node:<{width}}', bold=True)}  {columns}"
    ill = {each.component for each in answer.units if not each.well} | {each.component for each in answer.silent}
    names = dict.fromkeys(each.component for each in answer.units)
    marked = " ".join(f"!{name}" if name in ill else name for name in sorted(names))
    for line in textwrap.wrap(marked, WIDTH - width - 2, break_on_hyphens=False):
        shown = (click.style(name, fg="red", bold=True) if name[0] == "!" else name for name in line.split())
        yield " " * (width + 2) + " ".join(shown)


def _columns(*words: str) -> str:
    return "".join(f"{word:<{_COLUMN}}" for word in words).rstrip()


def _certificates(answer: Answer, now: float) -> str:
    """The least that any of them has left."""
    ends = [each.life.until for each in answer.certificates if each.life]
    return f"{int((min(ends) - now) / DAY)} days left" if ends else "-"


def _disk(disks: tuple[Disk, ...]) -> str:
    """The fullest file system."""
    fullest = min(disks, key=lambda disk: disk.free / max(disk.size, 1), default=None)
    return f"{_gib(fullest.free)}" if fullest else "-"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _gib(mib: int) -> str:
    return f"{mib / _GIB:.1f} GiB"


def _cloud(answer: Answer, report: Report) -> Iterator[str]:
    """What one node knows of the whole cloud."""
    if answer.cloud:
        yield from _row("Neutron", _agents(answer.cloud.agents))
        yield from _row("Nova", _agents(answer.cloud.services))
    if answer.bus:
        yield from _row("queues", _queues(answer.bus))
    if answer.database:
        yield from _row("MariaDB", _database(answer.database, report))
    if answer.bus:
        bus = answer.bus
        yield from _row(
            "RabbitMQ", (f"{bus.connections} of {bus.limit} connections", f"{bus.memory} of {bus.memory_limit} MiB")
        )
    if answer.cloud:
        yield from _row("capacity", _capacity(answer.cloud.capacity, answer.servers))
        yield from _row("addresses", _addresses(answer.cloud.pools))


def _row(label: str, words: Iterable[str]) -> Iterator[str]:
    yield from _hung("; ".join(words), f"{label:<{_LABEL}}", " " * _LABEL)


def _hung(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False, break_long_words=False
    )


def _agents(found: tuple[Agent, ...] | None) -> Iterator[str]:
    """How many of each kind are alive."""
    if found is None:
        yield _UNKNOWN
        return
    kinds = Counter(each.binary for each in found)
    alive = Counter(each.binary for each in found if each.alive)
    yield ", ".join(f"{alive[kind]} of {count} {kind}" for kind, count in sorted(kinds.items()))
    for each in found:
        if not each.enabled:
            yield f"{each.binary} on {each.host} is disabled" + (f" ({each.reason})" if each.reason else "")


def _queues(bus: BusHealth) -> Iterator[str]:
    waiting = sum(each.messages for each in bus.queues if not each.expires)
    yield f"{len(bus.queues)}; {waiting} messages waiting; {len(unheard(bus.queues))} that nobody listens to"


def _database(database: DatabaseHealth, report: Report) -> Iterator[str]:
    yield f"{database.connections} of {database.limit} connections, {database.most} at most"
    pooled = [(user, each.connections) for each in database.accounts if (user := each.user) in report.pools]
    if pooled:
        user, most = max(pooled, key=lambda pair: pair[1] / report.pools[pair[0]])
        yield f"{user} {most} of {report.pools[user]}"


def _capacity(capacity: tuple[Capacity, ...] | None, servers: tuple[Servers, ...] | None) -> Iterator[str]:
    if capacity is None:
        yield _UNKNOWN
    else:
        cpus, memory, disk = (_sum(getattr(each, name) for each in capacity) for name in ("vcpus", "memory", "disk"))
        yield (
            f"vCPUs {cpus.used} of {cpus.total}; memory {memory.used / _GIB:.1f} of {_gib(memory.total)};"
            f" disk {disk.used} of {disk.total} GiB"
        )
    if servers is not None:
        states = Counter[str]()
        for each in servers:
            states[each.state] += each.count
        kinds = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        yield f"{_count(sum(states.values()), 'VM')}" + (f" ({kinds})" if kinds else "")


def _sum(amounts: Iterable[Amount]) -> Amount:
    every = tuple(amounts)
    return Amount(sum(each.used for each in every), sum(each.total for each in every))


def _addresses(pools: tuple[Pool, ...] | None) -> Iterator[str]:
    if pools is None:
        yield _UNKNOWN
        return
    for each in pools:
        ips = f" ({_count(each.floating_ips, 'floating IP')})" if each.floating_ips else ""
        yield f"{each.network} {each.used} of {each.total}{ips}"
