"""The wire: what comes in any order and size, what never comes, and who is told."""

import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from wallcloud.node.failure import Cancelled, ResourceFailed
from wallcloud.node.session import Session


class Far:
    """The deployer's end of a session."""

    def __init__(self, folder: Path) -> None:
        source, self._sink = os.pipe()
        self.sent = io.BytesIO()
        self.session = Session(os.fdopen(source, "rb"), self.sent, folder / "blobs")

    def send(self, message: dict[str, Any], data: bytes = b"") -> None:
        """From a thread: a pipe holds 64 KiB only."""
        threading.Thread(target=self._write, args=(json.dumps(message).encode() + b"\n" + data,), daemon=True).start()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._sink, view[:65536]) :]

    def close(self) -> None:
        os.close(self._sink)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.sent.getvalue().splitlines()]


@pytest.fixture
def far(tmp_path: Path) -> Far:
    made = Far(tmp_path)
    made.session.listen()
    return made


@contextmanager
def within(seconds: float = 5.0) -> Iterator[None]:
    """A deadlock fails the test instead of hanging it."""
    timer = threading.Timer(seconds, lambda: os._exit(99))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def test_blobs_are_asked_for_once_and_streamed(far: Far) -> None:
    big, small = os.urandom(3 << 20), b"small"
    wanted = (digest(big), digest(small), digest(big))
    far.send({"op": "blob", "digest": digest(big), "size": len(big)}, big)
    far_small = threading.Timer(0.05, far.send, ({"op": "blob", "digest": digest(small), "size": 5}, small))
    far_small.start()
    with within():
        found = far.session.blobs(wanted)
    assert found[digest(big)].read_bytes() == big
    assert found[digest(small)].read_bytes() == small
    assert far.events()[0]["digests"] in ([digest(big), digest(small)], [digest(small)])
    again = len(far.events())
    assert set(far.session.blobs(wanted)) == set(wanted)
    assert len(far.events()) == again


def test_an_empty_blob(far: Far) -> None:
    far.send({"op": "blob", "digest": digest(b""), "size": 0})
    with within():
        assert far.session.blobs((digest(b""),))[digest(b"")].read_bytes() == b""


def test_a_wrong_blob_is_refused_and_frames_stay_in_step(far: Far, tmp_path: Path) -> None:
    far.send({"op": "blob", "digest": digest(b"right"), "size": 5}, b"wrong" + b'{"op":"milestone","name":"m"}\n')
    with within():
        with pytest.raises(ResourceFailed, match=f"the file {digest(b'right')[:16]} arrived with another digest"):
            far.session.blobs((digest(b"right"),))
        far.session.await_milestones(("m",))
    assert list((tmp_path / "blobs").iterdir()) == []


def test_half_a_blob_and_then_nothing(far: Far, tmp_path: Path) -> None:
    far._write(b'{"op":"blob","digest":"d","size":100}\nhalf')
    far.close()
    with within(), pytest.raises(Cancelled):
        far.session.blobs(("d",))
    assert not (tmp_path / "blobs" / "d").exists()


def test_milestones_in_any_order(far: Far) -> None:
    far.send({"op": "milestone", "name": "b"})
    far.session.published("a")
    with within():
        far.session.await_milestones(("a", "b"))
    assert far.session.missing(("a", "b", "c")) == ("c",)


def test_a_failed_milestone_fails_its_waiters_at_once(far: Far) -> None:
    far.send({"op": "milestone-failed", "name": "database:nova ready", "why": "control: schema nova failed"})
    with within(), pytest.raises(ResourceFailed) as failed:
        far.session.await_milestones(("never", "database:nova ready"))
    assert failed.value.what == (
        "waited for “database:nova ready”, which cannot be reached: control: schema nova failed"
    )
    assert failed.value.hint == "mend the node that publishes it; this node goes on from here with the next apply"


def test_certificates(far: Far) -> None:
    far.send({"op": "certificate", "id": "a", "pem": "P", "ca": "C"})
    far.send({"op": "certificate-refused", "id": "b", "why": "no such name"})
    with within():
        assert far.session.signed("a").pem == "P"
        with pytest.raises(ResourceFailed, match="the deployer does not sign it: no such name"):
            far.session.signed("b")


def test_confirmation(far: Far) -> None:
    with within():
        assert not far.session.confirmed(0.05)
        far.send({"op": "confirm"})
        threading.Timer(0.2, far.send, ({"op": "confirm"},)).start()
        assert far.session.confirmed(2)
    assert [event["event"] for event in far.events()] == ["confirm-wanted", "confirm-wanted"]


def waits(session: Session) -> dict[str, Callable[[], Any]]:
    return {
        "milestone": lambda: session.await_milestones(("never",)),
        "certificate": lambda: session.signed("never"),
        "blob": lambda: session.blobs(("never",)),
    }


@pytest.mark.parametrize("what", ["milestone", "certificate", "blob"])
@pytest.mark.parametrize("how", ["cancel", "gone", "nonsense"])
def test_whatever_is_waited_for_ends_when_the_run_does(far: Far, what: str, how: str) -> None:
    ends = {"cancel": lambda: far.send({"op": "cancel"}), "gone": far.close, "nonsense": lambda: far._write(b"{]\n")}
    threading.Timer(0.05, ends[how]).start()
    with within(), pytest.raises(Cancelled) as stopped:
        waits(far.session)[what]()
    assert (
        str(stopped.value)
        == {
            "cancel": "cancelled",
            "gone": "the deployer is gone",
            "nonsense": "what the deployer sent is not understood (JSONDecodeError)",
        }[how]
    )


def test_a_confirmation_that_cannot_come_is_no(far: Far) -> None:
    threading.Timer(0.05, far.close).start()
    with within():
        assert not far.session.confirmed(4)


class Gone(io.BytesIO):
    def write(self, data: Any) -> int:
        raise BrokenPipeError


def test_nobody_listens_any_more() -> None:
    stopped: list[str] = []
    session = Session(io.BytesIO(), Gone())
    session._on_stop = lambda: stopped.append("told")
    session.emit("begin", count=1)
    session.emit("begin", count=1)
    assert session.stopped == "the deployer is gone"
    assert stopped == ["told"]


def test_no_event_holds_a_secret(far: Far) -> None:
    far.session.hide({"a": "s3cret", "b": "s3cret-longer", "c": "x"})
    far.session.emit("failed", what="s3cret", output=["x = s3cret-longer;"], resource={"name": "s3cret"})
    line = far.sent.getvalue().decode()
    assert "s3cret" not in line
    assert far.events()[0]["output"] == ["x = «secret»;"]


def test_a_request(tmp_path: Path) -> None:
    session = Session(io.BytesIO(b'{"op":"facts"}\n{"op":"plan"}\n'), io.BytesIO())
    assert [session.request() for _ in range(3)] == [{"op": "facts"}, {"op": "plan"}, None]
    for nothing in (b"\n", b"[1]\n", b"{\n"):
        with pytest.raises(ValueError, match=r"no request|Expecting"):
            Session(io.BytesIO(nothing), io.BytesIO()).request()


def test_a_deployer_that_falls_silent_is_gone(tmp_path: Path) -> None:
    far = Far(tmp_path)
    far.session.listen(silence=0.4)
    with within(), pytest.raises(Cancelled, match="the deployer is silent"):
        far.session.await_milestones(("never",))


def test_signs_of_life_keep_a_run_going(tmp_path: Path) -> None:
    far = Far(tmp_path)
    far.session.listen(silence=0.6)
    for _ in range(4):
        far.send({"op": "alive"})
        threading.Event().wait(0.3)
    assert far.session.stopped == ""
