"""What a hole's file says, the site's words, the judge, and one hole after the other. Pure: no hole is opened."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from tests.design.world import example

from wallcloud.errors import WallcloudError
from wallcloud.mutate import run
from wallcloud.mutate.hole import FOLDER, Hole, at_site, holes, parsed
from wallcloud.mutate.judging import Score, Verdict, judge
from wallcloud.mutate.session import DRIVER, Unclosed, Unopened
from wallcloud.mutate.words import words
from wallcloud.verify.parts import PARTS

EVERY = holes()
TEXT = """# A door is open. It is
# a wide one.
# kind:  door
# node:  $api
# parts: doors wires
# fails: doors/$api/a
# fails: doors/$api/b*
open() { :; }
close() { :; }
"""


def test_a_file_says_what_the_hole_is() -> None:
    hole = parsed("wide", TEXT)
    assert hole.what == "A door is open. It is a wide one."
    assert (hole.kind, hole.node, hole.parts) == ("door", "$api", ("doors", "wires"))
    assert hole.fails == ("doors/$api/a", "doors/$api/b*")


@pytest.mark.parametrize("line", ["# kind:  door\n", "# node:  $api\n", "# parts: doors wires\n", "close() { :; }\n"])
def test_a_file_that_lacks_something(line: str) -> None:
    with pytest.raises(WallcloudError):
        parsed("wide", TEXT.replace(line, ""))


def test_thirty_kinds_and_more() -> None:
    assert len({hole.kind for hole in EVERY}) >= 30


@pytest.mark.parametrize("hole", EVERY, ids=lambda hole: hole.id)
def test_every_hole_is_for_the_example(hole: Hole) -> None:
    """A word that a site does not have leaves a hole out: a slip of the pen would, too."""
    put = at_site(hole, words(example("article").site))
    assert put is not None and put.node in example("article").site.nodes
    assert not [text for text in put.besides if "$" in text or text.partition("/")[0] in put.parts]
    assert set(put.parts) <= set(PARTS)
    assert not [text for text in put.fails if "$" in text]
    assert not {"*", "*/*"} & set(put.fails)


@pytest.mark.parametrize("path", [*sorted(FOLDER.glob("*.sh")), DRIVER], ids=lambda path: path.stem)
def test_bash_can_read_it(path: object) -> None:
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_a_site_without_the_thing_has_not_the_hole() -> None:
    named = words(example("article").site)
    assert at_site(parsed("wide", TEXT), named)
    assert at_site(parsed("wide", TEXT), {word: text for word, text in named.items() if word != "api"}) is None
    inside = TEXT.replace("open() { :; }", 'open() { ip link set "$compute_flat2_nic" up; }')
    assert at_site(parsed("wide", inside), {word: text for word, text in named.items() if "flat2" not in word}) is None


def test_words_of_the_example() -> None:
    named = words(example("article").site)
    assert named["control_management"] == "198.18.10.11"
    assert named["compute2"] == "compute2"
    assert named["network_floating2_nic"] == "flb0"
    assert named["flat_cidr"] == "198.18.51.0/24"
    assert named["admins"] == "198.18.1.0/24"
    assert "control_public" not in named


def hole(*fails: str, name: str = "wide", parts: tuple[str, ...] = ("doors",)) -> Hole:
    return Hole(name, "door", "A door is open.", "api", parts, fails, "")


@pytest.mark.parametrize(
    ("fails", "failed", "why"),
    [
        (("a",), "a", ""),
        (("a", "b*"), "a b1 b2", ""),
        (("a",), "", "nothing failed"),
        (("a",), "b1", "did not fail: a"),
        (("a", "b*"), "a", "did not fail: b*"),
        (("a",), "a c", "failed also: c"),
        (("x",), "a", "no probe has such an id: x"),
        (("*",), "a b1 b2 c", "everything failed: that is a dead cloud, not a hole that was found"),
    ],
)
def test_exactly_the_named_probes_must_fail(fails: tuple[str, ...], failed: str, why: str) -> None:
    seen = {name: name not in failed.split() for name in ("a", "b1", "b2", "c")}
    verdict = judge(hole(*fails), seen)
    assert verdict.why == why
    assert verdict.caught == (not why)


def test_what_other_parts_may_see_need_not_fail() -> None:
    it = parsed("wide", TEXT.replace("# parts:", "# besides: other/*\n# parts:"))
    assert it.besides == ("other/*",)
    seen = {"other/x": True, "other/y": True, **dict.fromkeys(it.fails, False)}
    assert judge(it, seen).caught
    assert judge(it, {**seen, "other/x": False}).caught
    assert judge(it, {**seen, "third/x": False}).why == "failed also: third/x"
    assert judge(it, {"other/x": False, **dict.fromkeys(it.fails, True)}).why.startswith("did not fail")


def test_the_score() -> None:
    score = Score(
        (Verdict(hole("a"), "", ("a",), 1.26), Verdict(hole("b", name="other"), "nothing failed", ())), ("c",)
    )
    assert score.to_json()["mutations"] == {
        "injected": 2,
        "caught": 1,
        "missed": [{"id": "other", "why": "nothing failed", "expected": ["b"], "failed": []}],
        "unopened": ["c"],
        "seconds": {"wide": 1.3, "other": 0.0},
    }
    assert not score.all_caught
    assert not Score((Verdict(hole("a"), "", ("a",)),), ("c",)).all_caught
    assert Score((Verdict(hole("a"), "", ("a",)),)).all_caught


class World:
    """A cloud whose probes fail for the holes that are open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open: list[str] = []
        self.left: list[str] = []
        self.healed: list[str] = []
        self.trouble: dict[str, WallcloudError] = {}
        monkeypatch.setattr(run, "opened", self._opened)
        monkeypatch.setattr(run, "heal", lambda node, _: self.healed.append(node))

    @contextmanager
    def _opened(self, it: Hole, *_: object) -> Iterator[None]:
        error = self.trouble.get(it.id)
        if isinstance(error, Unopened):
            raise error
        self.open.append(it.id)
        try:
            yield
        finally:
            self.open.remove(it.id)
            if error:
                self.open.append(it.id)
                raise error

    def prove(self, parts: tuple[str, ...]) -> Mapping[str, bool]:
        bad = [*self.open, *self.left]
        return {f"{part}/{name}": name not in bad for part in parts for name in ("one", "two", "three")}

    def mutate(self, *chosen: Hole, also: tuple[str, ...] = ()) -> Score:
        return run.mutate(chosen, {}, ("api", "control"), lambda _, argv: argv, self.prove, lambda _: None, also)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


ONE, TWO = hole("doors/one", name="one"), hole("doors/two", name="two")


def test_one_after_the_other(world: World) -> None:
    score = world.mutate(ONE, TWO)
    assert score.all_caught and len(score.verdicts) == 2
    assert world.healed == ["api", "control"]


def test_what_another_part_sees_is_a_miss_where_that_is_run_too(world: World) -> None:
    assert world.mutate(ONE).all_caught
    assert [verdict.why for verdict in world.mutate(ONE, also=("wires",)).verdicts] == ["failed also: wires/one"]


def test_a_cloud_that_is_not_clean_is_not_tried(world: World) -> None:
    world.left = ["three"]
    with pytest.raises(WallcloudError, match="1 expectations do not hold before"):
        world.mutate(ONE)


def test_what_cannot_be_opened_is_a_miss_and_no_end(world: World) -> None:
    world.trouble["one"] = Unopened("the hole was not opened", output=("sed: no",))
    score = world.mutate(ONE, TWO)
    assert [verdict.why for verdict in score.verdicts] == ["the hole was not opened | sed: no", ""]


def test_what_cannot_be_closed_is_a_miss_and_the_end(world: World) -> None:
    world.trouble["one"] = Unclosed("the hole was not closed")
    score = world.mutate(ONE, TWO)
    assert [verdict.why for verdict in score.verdicts] == ["the hole was not closed"]
    assert score.unopened == ("two",)


def test_what_fails_still_afterwards_is_a_miss_and_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([{"doors/one": True}, {"doors/one": False}, {"doors/one": False}])
    monkeypatch.setattr(world, "prove", lambda _: next(answers))
    score = world.mutate(ONE, TWO)
    assert [verdict.why for verdict in score.verdicts] == ["closed, but these fail still: doors/one"]
    assert score.unopened == ("two",)


def test_a_sample_is_of_many_parts_and_always_the_same() -> None:
    found = run.sample(EVERY, 8, 1)
    assert len({each.parts[0] for each in found}) == len({each.parts[0] for each in EVERY}) == 8
    assert found == run.sample(EVERY, 8, 1) != run.sample(EVERY, 8, 2)
    assert set(run.sample(EVERY, 1000, 1)) == set(EVERY)
