"""What of the answers is not well. A pure function of design, answers and the time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from wallcloud.deploy.status.asking import Asked
from wallcloud.design.compile import Design
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.node.resources import Unit
from wallcloud.node.resources.certificate import RENEWED
from wallcloud.node.status.model import Agent, Answer, BusHealth, CertificateHealth, CloudHealth, Queue

DAY = 86400.0
FULL = 0.9
"""More of a limit used than that is too much."""
WAITING = 1000
"""More messages in one queue than that: its service does not keep up."""
CA_LEFT = 400
"""Days: with fewer left for the CA, a certificate of a year made today would all but outlive it."""
_SPACIOUS = 10 * 1024
"""With so much room left (MiB) a file system is not full, whatever the share."""
_SHOWN = 3
_PROGRAM = re.compile(r"^ExecStart=\S*/bin/(neutron-\S+-agent|nova-(?:compute|conductor|scheduler))(?:\s|$)", re.M)
"""Programs that report to Neutron or Nova, under their own name and the node's."""


@frozen
class Problem:
    """One thing that is not well: whose (a node and a component, either may be ""), what, and what mends or tells
    more."""

    node: str
    component: str
    what: str
    hint: str = ""


@frozen
class Expected:
    """An agent that the design has: who runs it."""

    binary: str
    node: str
    component: str


def expected(design: Design, nodes: Iterable[str]) -> tuple[Expected, ...]:
    """Every service and agent that shall report to Nova or Neutron, from the units of the specs."""
    return tuple(
        Expected(found[1], node, unit.component)
        for node in nodes
        for unit in design.specs[node].resources
        if isinstance(unit, Unit) and (found := _PROGRAM.search(unit.text))
    )


def problems(design: Design, asked: Asked, now: float, ca_until: float) -> tuple[Problem, ...]:
    """All that is not well, the most telling first. `ca_until`: when the site's CA ends."""
    found = [Problem(node, "", _why(lost), lost.hint) for node, lost in asked.lost.items()]
    for node, answer in asked.answers.items():
        found += _units(node, answer)
    broken = {(each.node, each.component) for each in found}
    for node, answer in asked.answers.items():
        found += _silent(node, answer, broken)
        if answer.cloud:
            found += _agents(design, asked, answer.cloud, broken)
            found += _addresses(answer.cloud)
        if answer.bus:
            found += _bus(node, answer.bus, asked.lost)
        if answer.database and answer.database.connections > answer.database.limit * FULL:
            what = f"{answer.database.connections} of {answer.database.limit} connections are used"
            found.append(Problem(node, "mariadb", what, "whose they are: wallcloud status --json"))
        found += _certificates(node, answer.certificates, now)
        for disk in answer.disks:
            if disk.free < disk.size * (1 - FULL) and disk.free < _SPACIOUS:
                found.append(Problem(node, "", f"{disk.path} is nearly full: {disk.free} MiB of {disk.size} are left"))
    if ca_until - now < CA_LEFT * DAY:
        what = f"the site's CA has {_days(ca_until - now)} left" if now < ca_until else "the site's CA is over"
        found.append(Problem("", "", what, "this version of Wallcloud cannot renew it"))
    return tuple(found)


def _why(lost: WallcloudError) -> str:
    """What ssh itself said is what tells most."""
    return ": ".join((lost.what, *lost.output[-1:]))


def _units(node: str, answer: Answer) -> Iterator[Problem]:
    for each in answer.units:
        if each.well:
            continue
        how = each.active if each.active in {each.sub, "inactive"} else f"{each.active}, {each.sub}"
        what = "runs and does not answer" if each.answers is False else f"{each.unit} is {how}"
        yield Problem(node, each.component, what + (f": {each.said}" if each.said else ""), _logs(each.component, node))


def _silent(node: str, answer: Answer, broken: set[tuple[str, str]]) -> Iterator[Problem]:
    """Questions without an answer, unless it is told already why there is none."""
    for each in answer.silent:
        if not {(node, each.component), (node, each.cause)} & broken:
            yield Problem(node, each.component, f"{each.what}: {each.why}", _logs(each.component, node))


def _logs(component: str, node: str = "") -> str:
    return f"wallcloud logs {component}" + (f" --node {node}" if node else "")


def _agents(design: Design, asked: Asked, cloud: CloudHealth, broken: set[tuple[str, str]]) -> Iterator[Problem]:
    """Agents that do not report. Of a node that is away, and of a unit that does not run, it is told already."""
    for name, reports in (("Neutron", cloud.agents), ("Nova", cloud.services)):
        if reports is None:
            continue
        there: Mapping[tuple[str, str], Agent] = {(each.binary, each.host): each for each in reports}
        for each in expected(design, design.specs):
            if each.binary.startswith("nova") != (name == "Nova"):
                continue
            if each.node in asked.lost or (each.node, each.component) in broken:
                continue
            agent = there.get((each.binary, each.node))
            if agent is None or not agent.alive:
                what = f"{name} {'does not know it' if agent is None else 'has not heard from it lately'}"
                yield Problem(each.node, each.component, what, _logs(each.component, each.node))


def _addresses(cloud: CloudHealth) -> Iterator[Problem]:
    for pool in cloud.pools or ():
        if pool.used >= pool.total:
            yield Problem("", "", f"{pool.network} has no address left: {pool.used} of {pool.total} are used")


def _bus(node: str, bus: BusHealth, lost: Iterable[str]) -> Iterator[Problem]:
    def problem(what: str, hint: str = "") -> Problem:
        return Problem(node, "rabbitmq", what, hint)

    for alarm in bus.alarms:
        yield problem(f"alarm: {alarm}", _logs("rabbitmq"))
    for vhost in bus.down:
        yield problem(f"the virtual host {vhost} does not run", _logs("rabbitmq"))
    if bus.connections > bus.limit * FULL:
        yield problem(f"{bus.connections} of {bus.limit} connections are used")
    away = tuple(f".{name}" for name in lost)
    alone = [each for each in unheard(bus.queues) if not each.name.endswith(away)]
    if alone:
        yield problem(
            f"nobody listens to {_names(alone)}",
            "whoever should has ended, or does not say so: wallcloud logs rabbitmq",
        )
    late = [each for each in bus.queues if each.messages > WAITING]
    if late:
        yield problem(f"more than {WAITING} messages wait in {_names(late)}")


def unheard(queues: Iterable[Queue]) -> tuple[Queue, ...]:
    """Queues that nobody listens to and that stay: those of a service that is gone for good expire."""
    return tuple(each for each in queues if not each.consumers and not each.expires)


def _names(queues: list[Queue]) -> str:
    names = [f"{each.vhost}'s {each.name}" for each in queues[:_SHOWN]]
    more = len(queues) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _certificates(node: str, certificates: Iterable[CertificateHealth], now: float) -> Iterator[Problem]:
    hint = f"wallcloud apply --node {node}"
    for each in certificates:
        if each.life is None:
            yield Problem(node, "", f"the certificate {each.name} is not there", hint)
        elif now > each.life.until:
            yield Problem(node, "", f"the certificate {each.name} is over since {_days(now - each.life.until)}", hint)
        elif now > each.life.since + (each.life.until - each.life.since) * RENEWED:
            left = _days(each.life.until - now)
            yield Problem(node, "", f"the certificate {each.name} has {left} left: an apply renews it", hint)


def _days(seconds: float) -> str:
    days = int(seconds / DAY)
    return f"{days} day{'' if days == 1 else 's'}"
