"""Whoever names a probe elsewhere names one that there is: the threat model's claims, and the holes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from tests.design.world import designed
from tests.verify.certificates import another_ca
from tests.verify.test_verify_reach import OPEN, found
from tests.verify.test_verify_wires import OUTSIDE

from wallcloud.mutate.hole import Hole, at_site, holes
from wallcloud.mutate.words import words
from wallcloud.verify import doors
from wallcloud.verify.door import Tokens
from wallcloud.verify.encryption import handshakes
from wallcloud.verify.encryption.rogue import Rogue, Vouching
from wallcloud.verify.encryption.talks import talks
from wallcloud.verify.reach.matrix import Found, matrix
from wallcloud.verify.wires.crossing import crossings
from wallcloud.verify.wires.shots import shots as wires

PURE = {"doors", "reach", "wires", "encryption"}
"""Parts whose expectations are known before anything is asked."""
MODEL = Path(__file__).parents[2] / "docs/threat-model.md"
SOMEBODY = doors.Credentials("a", "b", "c")
TRIED_ON_A_CLOUD = ("accounts/", "encryption/wire/", "frames/", "nodes/", "outside/", "paths/", "private/", "sockets/")


def _never(*_: Any) -> Any:
    return "certificate", "key"


def _known() -> Iterator[str]:
    design = designed()
    users = doors.Users(SOMEBODY, SOMEBODY, SOMEBODY)
    yield from (each.id for each in doors.probes(design, "CA", "ca.pem", users, Tokens("a", "s", "m")))
    places = found(design).places
    ways = tuple((1000 + at, str(address)) for at, (_, address) in enumerate(design.plan.items()))
    every_way = tuple(replace(place, ways=ways) if place.ways else place for place in places)
    for shot in matrix(design, Found(OPEN, every_way)):
        yield shot.id
        if shot.negative:
            yield f"{shot.id}/without-its-wall"
    every = wires(design, OUTSIDE)
    yield from (shot.id for shot in every)
    yield from (each.id for each in crossings(design, every))
    ca = another_ca()
    for talk in talks(design):
        vouching = Vouching(_never, _never)
        yield from (each.id for each in handshakes.probes(talk, ca, Rogue(ca), vouching, str, "ca.pem"))


@pytest.fixture(scope="module")
def known() -> frozenset[str]:
    return frozenset(_known())


def _claimed() -> Iterator[str]:
    """Of the threat model, with `NODE`, `CLIENT` and the like as anything."""
    last = ""
    for said in re.findall(r"`([^`\n]+)`", MODEL.read_text(encoding="utf-8")):
        name = said
        if name in {"other-ca", "without", "neighbour", "stranger", "expired"}:
            name = f"{last.rpartition('/')[0]}/{name}"  # "`encryption/*/stranger`, `other-ca`"
        if "/" not in name or name.startswith(("/", "docs/", "tests/", "…")):
            continue
        last = name
        yield re.sub(r"[A-Z][A-Z]+", "*", name)


def test_the_threat_models_probes_are_there(known: frozenset[str]) -> None:
    claimed = [each for each in _claimed() if not each.startswith(TRIED_ON_A_CLOUD)]
    assert len(claimed) > 10
    assert [each for each in claimed if not any(fnmatchcase(name, each) for name in known)] == []


@pytest.mark.parametrize("hole", [hole for hole in holes() if set(hole.parts) <= PURE], ids=lambda hole: hole.id)
def test_the_probes_that_a_hole_names_are_there(hole: Hole, known: frozenset[str]) -> None:
    """A pattern that nothing matches is a miss, seen only after half an hour on a lab."""
    here = at_site(hole, words(designed().site))
    assert here is not None
    assert [each for each in here.fails if not any(fnmatchcase(name, each) for name in known)] == []
