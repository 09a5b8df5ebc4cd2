"""`wallcloud verify --mutate`: holes, the proof of each, and what is shown of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from wallcloud.cli.face import ANSWER_IS_NO, FINE, WrongUse, known, option_site, out, print_json
from wallcloud.errors import WallcloudError
from wallcloud.mutate.hole import Hole, at_site, holes
from wallcloud.mutate.judging import Score, Verdict
from wallcloud.mutate.run import mutate, sample
from wallcloud.mutate.words import words
from wallcloud.progress import Progress
from wallcloud.site.load import Loaded
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.parts import PARTS, run_parts


def show(loaded: Loaded, as_json: bool) -> None:
    """Every hole for this site."""
    there = for_site(loaded)
    if as_json:
        keys = ("id", "kind", "what", "node", "parts", "fails")
        print_json([{key: getattr(hole, key) for key in keys} for hole in there])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("HOLE", "NODE", "PARTS", "WHAT IS OPEN THEN"):
        table.add_column(heading)
    for hole in there:
        table.add_row(hole.id, hole.node, " ".join(hole.parts), hole.what)
    out().print(table)
    click.echo(f"{len(there)} holes of {len({hole.kind for hole in there})} kinds")


def for_site(loaded: Loaded) -> tuple[Hole, ...]:
    """The holes that this site can have, and whose parts this Wallcloud has."""
    named = words(loaded.site)
    found = (at_site(hole, named) for hole in holes())
    return tuple(hole for hole in found if hole and set(hole.parts) <= set(PARTS))


def chosen(
    loaded: Loaded, ids: tuple[str, ...], parts: tuple[str, ...], number: int | None, seed: int
) -> tuple[Hole, ...]:
    """The holes named, or all; only of these parts; a sample of so many. Raises WrongUse for one that is none."""
    there = for_site(loaded)
    known((hole.id for hole in there), ids, "hole", loaded.path)
    some = [hole for hole in there if (not ids or hole.id in ids) and (not parts or set(hole.parts) <= set(parts))]
    return tuple(some) if number is None else sample(some, number, seed)


def only_a_lab(loaded: Loaded) -> None:
    """Raises WallcloudError unless the site's nodes are the lab's machines, which run."""
    from wallcloud.lab.lab import Lab  # noqa: PLC0415 - hosts that SSH reaches need no lab

    lab = Lab.of(loaded)
    hint = f"wallcloud lab up{option_site(loaded.path)}; or, to open holes in a real cloud: --on-real-hosts"
    if loaded.ssh_config != lab.door.config:
        raise WallcloudError("holes are opened on a lab, and these are other hosts", where=str(loaded.path), hint=hint)
    if not lab.status().up:
        raise WallcloudError("holes are opened on a lab, and the lab is not up", where=str(loaded.path), hint=hint)


def act(loaded: Loaded, cloud: Cloud, some: tuple[Hole, ...], progress: Progress, also: tuple[str, ...] = ()) -> Score:
    """Opens and proves each, with the parts of `also` besides its own; says each verdict in a line."""

    def prove(parts: tuple[str, ...]) -> Mapping[str, bool]:
        return {seen.probe.id: seen.holds for part in run_parts(cloud, parts, progress) for seen in part.seen}

    return mutate(some, words(loaded.site), loaded.site.nodes, cloud.on_node, prove, _say, also)


def _say(verdict: Verdict) -> None:
    mark = click.style("caught", fg="green") if verdict.caught else click.style("MISSED", fg="red", bold=True)
    click.echo(
        f"{mark} {verdict.hole.id} ({verdict.seconds:.1f} s){': ' if verdict.why else ''}{verdict.why}", err=True
    )


def end(score: Score, json_file: str | None, stdout: str) -> int:
    """Shows the score, and gives the exit status."""
    if json_file and json_file != stdout:
        Path(json_file).write_text(json.dumps(score.to_json(), indent=2) + "\n", encoding="utf-8")
    if json_file == stdout:
        print_json(score.to_json())
    else:
        click.echo(as_text(score))
    return FINE if score.all_caught else ANSWER_IS_NO


def as_text(score: Score) -> str:
    """What a terminal shows at the end: each miss with what it means, then the sum."""
    lines = []
    for verdict in score.verdicts:
        if not verdict.caught:
            lines += [f"MISSED {verdict.hole.id} on {verdict.hole.node}: {verdict.why}", f"    {verdict.hole.what}"]
            lines += [f"    should fail: {pattern}" for pattern in verdict.hole.fails]
    caught = sum(verdict.caught for verdict in score.verdicts)
    seconds = sum(verdict.seconds for verdict in score.verdicts)
    lines.append(f"{caught} of {len(score.verdicts)} holes were caught, {seconds:.0f} s")
    if score.unopened:
        lines.append(f"the cloud is not clean: {len(score.unopened)} were not opened any more. Next: wallcloud plan")
    return "\n".join(lines)


def asked(mutating: bool, ids: tuple[str, ...], number: int | None, also: tuple[str, ...], on_real_hosts: bool) -> None:
    """Raises WrongUse for what means nothing without --mutate. A part's name without --part is no hole."""
    if not mutating and ids and set(ids) <= set(PARTS):
        words = " ".join(f"--part {each}" for each in ids)
        raise WrongUse(f"a part is named by --part: {', '.join(ids)}", hint=f"wallcloud verify {words}")
    if not mutating and (ids or number is not None or also or on_real_hosts):
        raise WrongUse(
            "ids of holes, --sample, --also and --on-real-hosts go with --mutate", hint="wallcloud verify --mutate"
        )
