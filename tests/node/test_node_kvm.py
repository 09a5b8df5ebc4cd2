"""KVM is judged by running a guest: what hangs, dies or answers wrongly counts as absent."""

import os
import platform
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wallcloud.node import kvm
from wallcloud.node.facts import facts

_KVM = os.access(kvm.DEVICE, os.R_OK | os.W_OK) and platform.machine() == "x86_64"
needs_kvm = pytest.mark.skipif(not _KVM, reason="no /dev/kvm here, or not for this account")


def _hang() -> str:
    time.sleep(60)
    return ""


def _die() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _raise() -> str:
    raise OSError(13, "Permission denied", "/dev/kvm")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="asks no guest elsewhere")
@pytest.mark.parametrize(
    ("guest", "why"),
    [
        (lambda: "", ""),
        (lambda: "it is bewitched", "it is bewitched"),
        (_hang, "a guest of a few milliseconds did not end within 0.2 s"),
        (_die, "the process that ran the guest died"),
        (_raise, "/dev/kvm: Permission denied"),
        (lambda: str(1 // 0), "the probe failed: ZeroDivisionError('integer division or modulo by zero')"),
    ],
)
def test_reasons(guest: Callable[[], str], why: str) -> None:
    begun = time.monotonic()
    assert kvm.why_not(guest, 0.2 if guest is _hang else 5) == why
    assert time.monotonic() - begun < 4


def test_leaves_nothing_behind() -> None:
    before = {path.name for path in Path("/proc/self/fd").iterdir()}
    assert kvm.why_not(_hang, 0.05)
    assert {path.name for path in Path("/proc/self/fd").iterdir()} == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_no_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kvm, "DEVICE", str(tmp_path / "kvm"))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert kvm.why_not() == f"{tmp_path}/kvm: No such file or directory"


def test_other_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert kvm.why_not(lambda: "") == "not tried: this probe knows no guest for aarch64"


def _plain(rounds: int) -> bytes:
    """The guest without SSE and interrupt: what even an emulating KVM gets through, in its time."""
    sse, interrupt = bytes.fromhex("660f6ec0 660fd4c0 66480f7ec3"), bytes.fromhex("cd20")
    moves = bytes.fromhex("4801c0 4889c3 48ffc3").ljust(len(sse + interrupt), b"\x90")
    changed = kvm.program(rounds).replace(sse + interrupt, moves)
    assert changed != kvm.program(rounds)
    return changed


@needs_kvm
def test_a_guest_answers() -> None:
    assert kvm.why_not(lambda: kvm.run(_plain(1000), kvm.expected(1000))) == ""


@needs_kvm
def test_a_wrong_answer_is_seen() -> None:
    assert kvm.why_not(lambda: kvm.run(_plain(1000), 7)) == f"a guest computed {kvm.expected(1000)} where 7 is right"


@needs_kvm
def test_a_guest_that_stops_is_seen() -> None:
    said = kvm.why_not(lambda: kvm.run(b"\xf4"))
    assert said.startswith("KVM stopped a 64-bit guest (exit reason ")


@needs_kvm
def test_a_guest_that_spins_is_ended() -> None:
    begun = time.monotonic()
    assert kvm.why_not(lambda: kvm.run(b"\xeb\xfe"), 0.3) == "a guest of a few milliseconds did not end within 0.3 s"
    assert time.monotonic() - begun < 1.5


def test_the_fact_follows_the_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    for why in ("", "bewitched"):
        monkeypatch.setattr(kvm, "why_not", lambda why=why: why)
        found = facts()
        assert (found["kvm"], found["kvm_reason"]) == (not why, why)
