"""Thousands of broken sites: never a traceback, always a place. 500 here, 10,000 in `make soak`.

Each goes the way of `wallcloud check` and, where that finds no error, through compile: what is called fine is.
"""

import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st
from tests.site.checking import FILE, check, errors, judge, pointed
from tests.site.mistakes import LIKELY, WILD, Mistake, mistaken
from tests.site.slips import SLIPS, Slip, slipped
from tests.site.trees import SHORT, TREES, written
from tests.soak import examples

from wallcloud.cli import site_verbs
from wallcloud.site.finding import Finding, Location

QUICK = settings(max_examples=300, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
SELDOM = st.sampled_from([False] * 9 + [True])


@examples(250, 5_000)
@given(mistaken(), SELDOM)
def test_mistakes_in_what_a_site_says(data: bytes, aloud: bool) -> None:
    found = check(data)
    for finding in found:
        pointed(finding, data)
    if aloud:
        said(data, found)
    assume(errors(found))  # what did no harm has been judged, and does not count


@examples(250, 5_000)
@given(slipped(), SELDOM)
def test_slips_in_its_letters(data: bytes, aloud: bool) -> None:
    found = check(data)
    if aloud:
        said(data, found)
    assume(errors(found))


def said(data: bytes, found: tuple[Finding, ...]) -> None:
    """The verb itself prints the same, for people and for programs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        file.write_bytes(data)
        plain = CliRunner().invoke(site_verbs.check, ["--site", str(file)], catch_exceptions=False)
        machine = CliRunner().invoke(site_verbs.check, ["--site", str(file), "--json"], catch_exceptions=False)
    assert plain.exit_code == machine.exit_code == bool(errors(found))
    output = plain.output.replace(str(file), str(FILE))
    assert output.startswith("".join(f"{finding.render()}\n" for finding in found))
    heard = json.loads(machine.output.replace(str(file), str(FILE)))["findings"]
    assert heard == json.loads(json.dumps([each.to_json() for each in found]))


@pytest.mark.parametrize("mistake", [*WILD, *dict.fromkeys(LIKELY)], ids=lambda mistake: str(mistake.__name__))
def test_each_mistake_breaks_some_site(mistake: Mistake) -> None:
    """A strategy that changed nothing would find nothing."""

    @st.composite
    def alone(draw: st.DrawFn) -> bytes:
        return written(mistake(draw, draw(st.sampled_from(TREES)))).encode("utf-8", "surrogatepass")

    find(alone(), lambda data: bool(errors(check(data))), settings=QUICK)  # or raises NoSuchExample


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: str(slip.__name__))
def test_each_slip_breaks_some_site(slip: Slip) -> None:
    @st.composite
    def alone(draw: st.DrawFn) -> str:
        return slip(draw, draw(st.sampled_from(SHORT)))

    find(alone(), lambda text: bool(errors(check(text.encode("utf-8", "surrogatepass")))), settings=QUICK)


@pytest.mark.parametrize("text", [*SHORT, *map(written, TREES)])
def test_the_sites_are_fine_before(text: str) -> None:
    assert check(text.encode()) == ()


PLACE = Location("site.yaml", 1, 1)
GOOD = Finding("value", "error", "it is wrong", "write it right", (), PLACE)


@pytest.mark.parametrize(
    "bad",
    [
        Finding("value", "error", "it is wrong", "write it right", (), None),
        Finding("value", "error", "it is wrong", "write it right", (), Location("site.yaml", 3, 1)),
        Finding("value", "error", "it is wrong", "write it right", (), Location("site.yaml", 0, 1)),
        Finding("value", "error", "it is wrong", "write it right", (), Location("other.yaml", 1, 1)),
        Finding("value", "error", " ", "write it right", (), PLACE),
        Finding("value", "error", "it is wrong", "", (), PLACE),
        Finding("value", "error", "it is \x1b[31mwrong", "write it right", (), PLACE),
        Finding("value", "error", "it is <class 'int'>", "write it right", (), PLACE),
        Finding("value", "error", "it is wrong", "IPv4Address('198.18.10.1')", (), PLACE),
    ],
)
def test_a_finding_that_helps_nobody_is_noticed(bad: Finding) -> None:
    judge(GOOD, b"a: 1\n")
    with pytest.raises((AssertionError, ValueError)):
        judge(bad, b"a: 1\n")
