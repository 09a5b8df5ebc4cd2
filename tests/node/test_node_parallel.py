"""Parts of a spec at once: order, failure, stopping, waiting, and what threads share."""

import io
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from wallcloud.frozen import frozen
from wallcloud.node import systemd
from wallcloud.node.context import Memory
from wallcloud.node.converge import converge
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.session import Session
from wallcloud.node.spec import Part, Spec

DONE: set[str] = set()
ACTS: dict[str, Callable[[Context], object]] = {}
SECONDS = 5.0
"""Longer than anything here takes: who waits so long waits for ever."""


@frozen(kw_only=True)
class Act(Resource):
    """Is done once its act has run."""

    kind: ClassVar[str] = "act-of-tests"
    act: str

    @property
    def name(self) -> str:
        return self.act

    def desired(self, ctx: Context) -> State:
        return {"done": True}

    def read(self, ctx: Context) -> State | None:
        return {"done": True} if self.act in DONE else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if self.act in ACTS:
            ACTS[self.act](ctx)
        DONE.add(self.act)


@pytest.fixture(autouse=True)
def _empty() -> None:
    DONE.clear()
    ACTS.clear()


def fails(_: Context) -> None:
    raise ResourceFailed("it broke")


def diamond(**more: dict[str, Any]) -> Spec:
    """`first`, then `left` (two resources) and `right` beside each other, then `last`; `more` are fields of acts."""
    names = ("first", "left", "left2", "right", "last")
    parts = (
        Part("first", 1),
        Part("left", 2, ("first",)),
        Part("right", 1, ("first",)),
        Part("last", 1, ("left", "right")),
    )
    return Spec("n", "r", tuple(Act(act=name, **more.get(name, {})) for name in names), parts)


def go(spec: Spec, *, planning: bool = False, session: Session | None = None) -> tuple[str, list[dict[str, Any]]]:
    out = io.BytesIO()
    source, _ = os.pipe()
    session = session or Session(os.fdopen(source, "rb"), out)
    session._events = out
    outcome: list[str] = []
    thread = threading.Thread(target=lambda: outcome.append(converge(spec, {}, session, planning=planning)))
    thread.daemon = True
    thread.start()
    thread.join(SECONDS * 2)
    assert outcome, "it hangs"
    return outcome[0], [json.loads(line) for line in out.getvalue().splitlines()]


def told(events: list[dict[str, Any]], kind: str) -> list[str]:
    return [event["resource"]["name"] for event in events if event["event"] == kind]


def test_parts_beside_each_other_are_in_hand_at_once_and_the_order_holds() -> None:
    meeting = threading.Barrier(2, timeout=SECONDS)
    ACTS["left"] = ACTS["right"] = lambda _: meeting.wait()
    outcome, events = go(diamond())
    assert outcome == "ok"
    moment = {(each["event"], each["resource"]["name"]): n for n, each in enumerate(events) if "resource" in each}
    assert moment["done", "first"] < moment["started", "left"]
    assert moment["done", "first"] < moment["started", "right"]
    assert moment["done", "left"] < moment["started", "left2"]
    assert max(moment["done", "left2"], moment["done", "right"]) < moment["started", "last"]
    assert {each["index"]: each["resource"]["name"] for each in events if each["event"] == "done"} == dict(
        enumerate(("first", "left", "left2", "right", "last"))
    )
    assert events[-1]["applied"] == 5


def test_a_failure_leaves_only_what_stands_on_it() -> None:
    ACTS["left"] = fails
    outcome, events = go(diamond())
    assert outcome == "failed"
    assert told(events, "failed") == ["left"]
    assert sorted(told(events, "left")) == ["last", "left2"]
    assert {each["why"] for each in events if each["event"] == "left"} == {"act-of-tests left before it failed"}
    assert set(DONE) == {"first", "right"}


def test_who_waits_for_what_a_failure_took_hears_of_it_at_once() -> None:
    """Nobody would ever tell otherwise: `last` publishes it, stands on what failed, and is never begun."""
    ACTS["left"] = fails
    right = {"awaits": ("last is there",)}
    # No spec of ours looks so (it is a circle), but between two nodes the same comes about without one.
    outcome, events = go(diamond(right=right, last={"publishes": ("last is there",)}))
    assert outcome == "failed"
    assert sorted(told(events, "failed")) == ["left", "right"]
    gone = next(each for each in events if each["event"] == "milestone-failed")
    assert (gone["name"], gone["why"]) == ("last is there", "act-of-tests left: it broke")
    late = next(each for each in events if each["event"] == "failed" and each["resource"]["name"] == "right")
    assert late["what"] == "waited for “last is there”, which cannot be reached: act-of-tests left: it broke"


def guarded() -> Spec:
    spec = diamond()
    return replace(spec, resources=(Act(act="guard"), *spec.resources), parts=(Part("g", 1, guard=True), *spec.parts))


def test_beside_a_guard_everything_is_read_and_nothing_changed() -> None:
    DONE.update({"first", "right"})
    read, seen = threading.Event(), set[str]()

    def slow(_: Context) -> None:
        assert read.wait(SECONDS), "the others wait for the guard"
        seen.update(DONE)

    ACTS["guard"] = slow
    spec = guarded()
    right = next(index for index, each in enumerate(spec.resources) if each.name == "right")
    session = Session(os.fdopen(os.pipe()[0], "rb"), io.BytesIO())
    emit = session.emit

    def hear(event: str, **fields: Any) -> None:
        if event == "done" and fields["index"] == right:
            read.set()
        emit(event, **fields)

    session.emit = hear  # type: ignore[method-assign]
    outcome, _ = go(spec, session=session)
    assert outcome == "ok"
    assert seen == {"first", "right"}, "something was changed before the guard was done"


def test_what_a_guard_refuses_leaves_every_change() -> None:
    DONE.add("first")
    ACTS["guard"] = fails
    outcome, events = go(guarded())
    assert outcome == "failed"
    assert told(events, "failed") == ["guard"]
    assert told(events, "done") == ["first"]
    assert sorted(told(events, "left")) == ["last", "left", "left2", "right"]
    assert {each["why"] for each in events if each["event"] == "left"} == {"act-of-tests guard before it failed"}
    assert set(DONE) == {"first"}


def test_a_plan_goes_on_everywhere() -> None:
    outcome, events = go(diamond(), planning=True)
    assert outcome == "ok"
    assert sorted(told(events, "done")) == ["first", "last", "left", "left2", "right"]
    assert not DONE


def test_cancel_lets_everything_in_hand_finish_and_begins_nothing() -> None:
    source, sink = os.pipe()
    session = Session(os.fdopen(source, "rb"), io.BytesIO())
    stopped, meeting = threading.Event(), threading.Barrier(2, timeout=SECONDS)

    def cancelling(_: Context) -> None:
        if meeting.wait() == 0:
            os.write(sink, b'{"op":"cancel"}\n')
        assert stopped.wait(SECONDS)

    ACTS["left"] = ACTS["right"] = cancelling
    session.listen(stopped.set)
    outcome, events = go(diamond(), session=session)
    assert outcome == "cancelled"
    assert set(DONE) == {"first", "left", "right"}
    assert sorted(told(events, "left")) == ["last", "left2"]
    assert {each["why"] for each in events if each["event"] == "left"} == {"cancelled"}


def test_waiting_for_a_milestone_holds_up_nobody() -> None:
    """Many wait for the last part of the list; it has its turn all the same."""
    waiting = tuple(Act(act=f"waits {n}", awaits=("it is there",)) for n in range(40))
    comes = Act(act="comes", publishes=("it is there",))
    parts = (*(Part(each.act, 1) for each in waiting), Part("comes", 1))
    outcome, events = go(Spec("n", "r", (*waiting, comes), parts))
    assert outcome == "ok"
    assert events[-1]["applied"] == 41


def test_a_note_is_about_what_its_own_thread_has_in_hand() -> None:
    meeting = threading.Barrier(2, timeout=SECONDS)

    def noting(name: str) -> Callable[[Context], None]:
        def note(ctx: Context) -> None:
            meeting.wait()
            ctx.note(name)

        return note

    ACTS.update({name: noting(name) for name in ("left", "right")})
    _, events = go(diamond())
    assert {each["note"]: each["index"] for each in events if each["event"] == "progress"} == {"left": 1, "right": 3}


def test_what_is_read_while_another_applies_is_not_kept() -> None:
    """`right` reads the list while `left` changes it; `last` must see what `left` made of it."""
    there = ["old"]
    seen = threading.Event()
    found: list[str] = []

    def changes(_: Context) -> None:
        assert seen.wait(SECONDS)
        there[0] = "new"

    def reads(ctx: Context) -> None:
        found.append(ctx.cached("list", lambda: there[0]))
        seen.set()
        # Not over before the other: else its own end would make the list be forgotten.
        assert _soon(lambda: "left2" in DONE)

    ACTS["left"], ACTS["right"] = changes, reads
    ACTS["left2"] = lambda ctx: found.append(ctx.cached("list", lambda: there[0]))
    outcome, _ = go(diamond())
    assert (outcome, found) == ("ok", ["old", "new"])


def _soon(probe: Callable[[], bool]) -> bool:
    end = time.monotonic() + SECONDS
    while not probe() and time.monotonic() < end:
        time.sleep(0.005)
    return probe()


# -- what threads share


def together(*works: Callable[[], object]) -> list[object]:
    """Runs all at once; what each returned, or raised."""
    found: list[object] = [None] * len(works)

    def one(number: int) -> None:
        try:
            found[number] = works[number]()
        except ResourceFailed as error:
            found[number] = error

    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(len(works))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SECONDS)
    assert not any(each.is_alive() for each in threads), "it hangs"
    return found


def test_one_makes_and_the_others_wait() -> None:
    memory, made = Memory(), []

    def make() -> object:
        made.append(1)
        time.sleep(0.05)
        return object()

    found = together(*[lambda: memory.get("key", make)] * 8)
    assert len(made) == 1
    assert all(each is found[0] for each in found)


def test_makes_of_different_keys_do_not_wait_for_each_other() -> None:
    memory, meeting = Memory(), threading.Barrier(2, timeout=SECONDS)
    meet = lambda: meeting.wait() >= 0  # noqa: E731
    assert together(lambda: memory.get("a", meet), lambda: memory.get("b", meet)) == [True, True]


def test_one_make_may_ask_for_another() -> None:
    memory = Memory()
    assert memory.get("outer", lambda: memory.get("inner", lambda: "x") + "y") == "xy"


@pytest.mark.parametrize("key", [None, "key"])
def test_what_was_begun_before_it_was_forgotten_is_not_kept(key: str | None) -> None:
    memory = Memory()

    def make() -> str:
        memory.forget(key)  # the node changes while it is read
        return "old"

    assert memory.get("key", make) == "old"
    assert memory.get("key", lambda: "new") == "new"
    assert memory.get("key", lambda: "never made") == "new"


def test_an_error_goes_to_all_who_wait_and_is_not_kept() -> None:
    memory, made = Memory(), []

    def make() -> str:
        made.append(1)
        time.sleep(0.05)
        raise ResourceFailed("away")

    found = together(*[lambda: memory.get("key", make)] * 4)
    assert [str(each) for each in found] == ["away"] * 4
    assert len(made) == 1
    assert memory.get("key", lambda: "back") == "back"


def test_one_reload_of_systemd_serves_all_who_asked_before_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    calls: list[tuple[str, ...]] = []

    def counted(*arguments: str, hint: str = "") -> None:
        calls.append(arguments)
        begun.set()
        assert go_on.wait(SECONDS)

    monkeypatch.setattr(systemd, "systemctl", counted)
    first = threading.Thread(target=systemd.daemon_reload)
    first.start()
    assert begun.wait(SECONDS)  # these come too late for the first, and one more serves them all
    threading.Timer(0.1, go_on.set).start()
    together(*[systemd.daemon_reload] * 5)
    first.join()
    assert calls == [("daemon-reload",)] * 2


# -- the spec


def test_parts_that_do_not_fit_are_refused() -> None:
    spec = diamond()
    with pytest.raises(ValueError, match="exactly the resources"):
        replace(spec, parts=spec.parts[:-1])
    with pytest.raises(ValueError, match="named twice"):
        replace(spec, parts=(*spec.parts[:-1], Part("first", 1)))
    with pytest.raises(ValueError, match="does not come before"):
        replace(spec, parts=tuple(reversed(spec.parts)))


# -- ahead


@frozen(kw_only=True)
class Slow(Act):
    """Reads something slow, which it also reads ahead of its turn."""

    kind: ClassVar[str] = "slow-act-of-tests"

    def read(self, ctx: Context) -> State | None:
        return {"done": bool(ctx.cached("slow", lambda: ACTS["slow"](ctx)))}

    def ahead(self, ctx: Context) -> None:
        self.read(ctx)


def test_a_slow_read_begins_before_its_turn_and_is_made_once() -> None:
    begun, made = threading.Event(), []

    def slow(_: Context) -> bool:
        made.append(1)
        begun.set()
        return True

    ACTS["slow"] = slow
    ACTS["before"] = lambda _: begun.wait(SECONDS)
    parts = (Part("before", 1), Part("slow", 1, ("before",)))
    outcome, events = go(Spec("n", "r", (Looks(act="before"), Slow(act="slow")), parts), planning=True)
    assert (outcome, events[-1]["unchanged"], made) == ("ok", 2, [1])


@frozen(kw_only=True)
class Looks(Act):
    """Acts when it is read."""

    kind: ClassVar[str] = "looking-act-of-tests"

    def read(self, ctx: Context) -> State | None:
        return {"done": bool(ACTS[self.act](ctx))}


def test_what_fails_ahead_is_told_at_its_turn() -> None:
    ACTS["slow"] = fails
    _, events = go(Spec("n", "r", (Slow(act="slow"),)), planning=True)
    assert [each["event"] for each in events] == ["begin", "started", "failed", "finished"]
