"""The loop: order, milestones, stopping, and that a plan writes nothing."""

import io
import json
import os
import threading
from typing import Any, ClassVar

import pytest

from wallcloud.frozen import frozen
from wallcloud.node.converge import converge
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.session import Session
from wallcloud.node.spec import Spec

WORLD: dict[str, str] = {}
READS: list[str] = []


@frozen(kw_only=True)
class Thing(Resource):
    """A key in WORLD."""

    kind: ClassVar[str] = "thing-of-tests"
    hidden: ClassVar[frozenset[str]] = frozenset({"password"})
    key: str
    value: str = "good"
    trouble: str = ""

    @property
    def name(self) -> str:
        return self.key

    def desired(self, ctx: Context) -> State:
        return {"value": self.value}

    def read(self, ctx: Context) -> State | None:
        READS.append(ctx.cached("world", lambda: json.dumps(WORLD)))
        if self.trouble == "read":
            raise OSError(5, "Input/output error", "/dev/thing")
        return {"value": WORLD[self.key]} if self.key in WORLD else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if self.trouble == "apply":
            raise ResourceFailed("it broke", tried="thing --make", output=("first", "last"), hint="mend it")
        if self.trouble == "bug":
            raise KeyError("oops")
        if self.trouble == "end":
            ctx.note("in hand")
        WORLD[self.key] = "half" if self.trouble == "half" else self.value

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return f"interrupts {self.key}"


@frozen(kw_only=True)
class Hidden(Thing):
    kind: ClassVar[str] = "hidden-thing-of-tests"

    def desired(self, ctx: Context) -> State:
        return {"password": ctx.secret("word")}

    def read(self, ctx: Context) -> State | None:
        return {"password": WORLD.get("password")}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        WORLD["password"] = ctx.secret("word")


@pytest.fixture(autouse=True)
def _empty() -> None:
    WORLD.clear()
    READS.clear()


def go(
    *things: Resource, planning: bool = False, session: Session | None = None, **secrets: str
) -> tuple[str, list[dict[str, Any]]]:
    out = io.BytesIO()
    source, _ = os.pipe()
    session = session or Session(os.fdopen(source, "rb"), out)
    session._events = out
    outcome = converge(Spec("n", "r", things), secrets, session, planning=planning)
    return outcome, [json.loads(line) for line in out.getvalue().splitlines()]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_an_apply_and_the_empty_plan_after_it() -> None:
    things = (Thing(key="a", publishes=("a ready",), reason="why"), Thing(key="b", awaits=("a ready",)))
    outcome, events = go(*things)
    assert outcome == "ok"
    assert kinds(events) == ["begin", "started", "done", "milestone", "started", "done", "finished"]
    done = events[2]
    assert (done["outcome"], done["reason"], done["consequence"]) == ("applied", "why", "interrupts a")
    assert done["changes"] == [{"property": "value", "before": None, "after": "good", "secret": False, "diff": None}]
    assert {key: events[-1][key] for key in ("outcome", "applied", "unchanged", "planned")} == {
        "outcome": "ok",
        "applied": 2,
        "unchanged": 0,
        "planned": 0,
    }
    outcome, events = go(*things, planning=True)
    assert [event["outcome"] for event in events if event["event"] == "done"] == ["unchanged", "unchanged"]


def test_a_plan_writes_and_awaits_nothing() -> None:
    outcome, events = go(Thing(key="a", awaits=("never",)), planning=True)
    assert (outcome, WORLD) == ("ok", {})
    assert kinds(events) == ["begin", "started", "done", "finished"]
    assert events[2]["outcome"] == "planned"


def test_what_is_as_it_shall_be_waits_for_nobody() -> None:
    WORLD["a"] = "good"
    outcome, events = go(Thing(key="a", awaits=("never",)))
    assert outcome == "ok"
    assert "waiting" not in kinds(events)


def test_after_waiting_it_is_read_again() -> None:
    """While we waited, another node may have done it."""
    source, sink = os.pipe()
    session = Session(os.fdopen(source, "rb"), io.BytesIO())
    session.listen()

    def reach() -> None:
        WORLD["a"] = "good"
        os.write(sink, b'{"op":"milestone","name":"x"}\n')

    threading.Timer(0.1, reach).start()
    outcome, events = go(Thing(key="a", awaits=("x",)), session=session)
    assert outcome == "ok"
    assert events[3]["outcome"] == "unchanged"


def test_reads_are_shared_until_something_is_applied() -> None:
    WORLD["a"] = "good"
    go(Thing(key="a"), Thing(key="b"), Thing(key="c"))
    assert READS == ['{"a": "good"}'] * 2 + ['{"a": "good", "b": "good"}'] * 2 + [
        '{"a": "good", "b": "good", "c": "good"}'
    ]


def test_a_failure_leaves_the_rest() -> None:
    outcome, events = go(Thing(key="a"), Thing(key="b", trouble="apply", publishes=("b ready",)), Thing(key="c"))
    assert outcome == "failed"
    assert kinds(events) == ["begin", "started", "done", "started", "failed", "milestone-failed", "left", "finished"]
    assert {key: events[4][key] for key in ("what", "tried", "output", "hint")} == {
        "what": "it broke",
        "tried": "thing --make",
        "output": ["first", "last"],
        "hint": "mend it",
    }
    assert (events[5]["name"], events[5]["why"]) == ("b ready", "thing-of-tests b: it broke")
    assert events[6]["why"] == "thing-of-tests b before it failed"
    assert WORLD == {"a": "good"}


def test_a_plan_goes_on_after_a_failure() -> None:
    outcome, events = go(Thing(key="a", trouble="read"), Thing(key="b"), planning=True)
    assert outcome == "failed"
    assert kinds(events) == ["begin", "started", "failed", "started", "done", "finished"]
    assert events[2]["what"] == "/dev/thing: Input/output error"


def test_what_did_not_take_is_a_failure() -> None:
    outcome, events = go(Thing(key="a", trouble="half"))
    assert outcome == "failed"
    failed = events[2]
    assert failed["what"] == "did not take: value"
    assert failed["output"] == ["value: is 'half', wanted 'good'"]


def test_a_fault_of_ours_is_told_with_its_place() -> None:
    _, events = go(Thing(key="a", trouble="bug"))
    assert events[2]["what"] == "KeyError: 'oops'"
    assert events[2]["tried"].startswith("test_node_converge.py:")
    assert events[2]["hint"] == "this is a fault of Wallcloud; please report it"


def test_a_secret_shows_as_changed_only() -> None:
    outcome, events = go(Hidden(key="a"), word="hunter22")
    assert outcome == "ok"
    assert events[2]["changes"] == [
        {"property": "password", "before": None, "after": None, "secret": True, "diff": None}
    ]
    assert "hunter22" not in json.dumps(events)


def test_a_secret_that_did_not_come() -> None:
    _, events = go(Hidden(key="a"))
    assert events[2]["what"] == "the secret word did not come with the spec"


def test_cancel_finishes_what_is_in_hand() -> None:
    source, sink = os.pipe()
    session = Session(os.fdopen(source, "rb"), io.BytesIO())

    @frozen(kw_only=True)
    class Cancels(Thing):
        def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
            stopped = threading.Event()
            session.listen(stopped.set)
            os.write(sink, b'{"op":"cancel"}\n')
            assert stopped.wait(5)
            WORLD[self.key] = self.value

    outcome, events = go(Cancels(key="a"), Thing(key="b"), Thing(key="c"), session=session)
    assert outcome == "cancelled"
    assert WORLD == {"a": "good"}
    assert [event["why"] for event in events if event["event"] == "left"] == ["cancelled", "cancelled"]


def test_a_deployer_that_goes_while_we_wait() -> None:
    source, sink = os.pipe()
    session = Session(os.fdopen(source, "rb"), io.BytesIO())
    session.listen()
    threading.Timer(0.1, os.close, (sink,)).start()
    outcome, events = go(Thing(key="a", awaits=("x",)), Thing(key="b"), session=session)
    assert outcome == "cancelled"
    assert kinds(events) == ["begin", "started", "waiting", "left", "left", "finished"]
    assert events[2]["milestones"] == ["x"]
    assert WORLD == {}
