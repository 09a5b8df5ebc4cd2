"""`wallcloud rotate`: new certificates, passwords and keys, while the cloud serves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import click

from wallcloud.cli.face import (
    ANSWER_IS_NO,
    FINE,
    WrongUse,
    err,
    faced,
    json_option,
    known,
    load_site,
    option_site,
    print_json,
    site_option,
)
from wallcloud.cli.rotating import finish
from wallcloud.cli.table import table, width
from wallcloud.deploy import rotation
from wallcloud.deploy.authority import life
from wallcloud.deploy.prepare import known_design, release_of, state_of
from wallcloud.deploy.run import Summary
from wallcloud.deploy.secret_list import Kept, Kind, certificates_of, secrets_of, wanted
from wallcloud.deploy.state import StateFolder
from wallcloud.deploy.status.asking import ask
from wallcloud.design.compile import Design, require
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded

_DAY = 86400


class _Age(NamedTuple):
    """How old a secret is, or, where that is not `known`, how old at most."""

    seconds: float
    known: bool


@click.command()
@site_option
@click.option("--certificates", is_flag=True, help="All certificates.")
@click.option("--secrets", is_flag=True, help="All of the services' passwords and keys.")
@click.option("--users", is_flag=True, help="The admin's and the first members' passwords, which people hold.")
@click.option("--list", "listing", is_flag=True, help="Show every secret and certificate, and change nothing.")
@json_option
@click.argument("names", nargs=-1, metavar="[NAME]...")
@faced
def rotate(
    site_file: Path,
    certificates: bool,
    secrets: bool,
    users: bool,
    listing: bool,
    as_json: bool,
    names: tuple[str, ...],
) -> None:
    """Renew certificates, passwords and keys, while the cloud serves.

    Without names or options: all certificates, and all passwords and keys but those that people hold; --list shows
    the names. Where a server takes two passwords at once, the new one is made beside the old one, services move to
    it, then the old one goes; certificates that were replaced are revoked. What else `plan` shows is done too.

    A rotation that was interrupted is finished by the next rotate or apply; a new one begins only then. After --users
    whoever logs in by these passwords needs the new ones: wallcloud access.

    The CA itself is not renewed by this: `status` tells how long it lasts.
    """
    loaded = load_site(site_file)
    require(loaded)
    state = state_of(loaded)
    if not state.ca_certificate.exists():
        raise WallcloudError("there is no cloud of this site yet", where=str(site_file), hint="run: wallcloud apply")
    design = known_design(loaded)
    kept, all_certificates = secrets_of(design), certificates_of(design)
    known((*(each.name for each in kept), *all_certificates), names, "secret or certificate", site_file)
    if listing:
        if names or certificates or secrets or users:
            raise WrongUse("--list shows all", hint="give it alone")
        raise SystemExit(_list(loaded, design, state, kept, as_json=as_json))
    everything = not (names or certificates or secrets or users)
    chosen = [
        each for each in kept if each.name in names or (users if each.kind is Kind.PERSON else secrets or everything)
    ]
    renewed = [name for name in all_certificates if name in names or certificates or everything]
    release_of(loaded, needed=True)
    with state.lock():
        now = rotation.load(state)
        if now.stage is None:
            rotation.keep(state, rotation.begun(now, wanted(chosen, renewed), int(time.time())))
            finished = ""
        else:
            finished = "the rotation that was interrupted is finished"
            err().print(f"finishing the rotation that was interrupted: {', '.join(sorted(now.moving))}", soft_wrap=True)
            chosen, renewed = [each for each in kept if each.name in now.moving], []
        summaries = finish(loaded, as_json=as_json)
    ok = all(summary.ok for summary in summaries)
    again = option_site(site_file)
    if as_json:
        told = {
            "ok": ok,
            "secrets": [each.name for each in chosen],
            "certificates": renewed,
            "finished": bool(finished),
        }
        click.echo(json.dumps({"event": "summary", **told, "applied": sum(each.applied for each in summaries)}))
    elif ok:
        persons = [each.name for each in chosen if each.kind is Kind.PERSON]
        click.echo("\n".join(_done(finished, len(chosen), len(renewed), persons, again)))
    else:
        click.echo("\n".join(_unfinished(summaries[-1], again)), err=True)
    raise SystemExit(FINE if ok else ANSWER_IS_NO)


def _done(finished: str, secrets: int, certificates: int, persons: list[str], again: str) -> Iterator[str]:
    yield finished or f"rotated: {_count(certificates, 'certificate')} and {_count(secrets, 'secret')}"
    if persons:
        yield f"new passwords for people: {', '.join(persons)}. To see them: wallcloud access --force{again}"
    more = "; a new rotation begins with the next wallcloud rotate" if finished else ""
    yield f"Next: wallcloud verify{again}{more}"


def _unfinished(summary: Summary, again: str) -> Iterator[str]:
    for outcome in summary.outcomes:
        if outcome.status != "ok":
            yield f"{outcome.node}: {outcome.status}: {outcome.why}".removesuffix(": ")
    yield f"the rotation is unfinished; what was good before is good still. Mend that, then: wallcloud rotate{again}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _list(loaded: Loaded, design: Design, state: StateFolder, kept: Iterable[Kept], *, as_json: bool) -> int:
    """Prints all; the exit status: no where a node could not tell of its certificates."""
    asked = ask(loaded, design, state, loaded.site.nodes)
    now = time.time()
    left = {
        each.name: each.life.until - now if each.life else None
        for answer in asked.answers.values()
        for each in answer.certificates
    }
    ages, used = state.ages(), rotation.load(state).used
    since, until = life(state)
    # Older than the CA is none; of those that are older than the notes nothing more is known.
    age = {each.name: _Age(now - ages.get(used(each.name).name, since), used(each.name).name in ages) for each in kept}
    where = certificates_of(design)
    if as_json:
        rows = [
            {
                "name": each.name,
                "kind": each.kind,
                "server": each.server,
                "holders": each.holders,
                "age_seconds": age[each.name].seconds if age[each.name].known else None,
            }
            for each in kept
        ]
        print_json(
            {
                "secrets": rows,
                "certificates": [
                    {"name": name, "node": node, "left_seconds": left.get(name)} for name, node in where.items()
                ],
                "ca_left_seconds": until - now,
                "lost": {node: error.what for node, error in asked.lost.items()},
            }
        )
    else:
        click.echo("\n".join(_listed(kept, age, where, left)))
        click.echo(f"\nthe CA: {_days(until - now)} left; it is not renewed by this")
        for node, error in asked.lost.items():
            click.echo(f"{node}: {error.what}: its certificates are not known", err=True)
    return ANSWER_IS_NO if asked.lost else FINE


def _listed(
    kept: Iterable[Kept],
    age: Mapping[str, _Age],
    where: Mapping[str, str],
    left: Mapping[str, float | None],
) -> Iterator[str]:
    columns = ("secret", "age", "server", "who holds it")
    rows = [(each.name, _old(each, age[each.name]), each.server or "-", _holders(each)) for each in kept]
    yield table(columns, rows, width())
    yield ""
    days = {name: _days(left.get(name)) for name in where}
    yield table(("certificate", "left", "node"), [(name, days[name], node) for name, node in where.items()], width())


def _holders(each: Kept) -> str:
    """The nodes of each component."""
    nodes: dict[str, list[str]] = {}
    for holder in each.holders:
        component, _, node = holder.partition("@")
        nodes.setdefault(component, []).append(node)
    return "; ".join(
        f"{component} on {', '.join(them)}" if all(them) else component for component, them in nodes.items()
    )


def _old(each: Kept, age: _Age) -> str:
    """Keystone's keys are not the deployer's to know."""
    if each.kind is Kind.KEYS:
        return "on the node"
    return ("" if age.known else "at most ") + _days(age.seconds)


def _days(seconds: float | None) -> str:
    return "not known" if seconds is None else _count(int(seconds / _DAY), "day")
