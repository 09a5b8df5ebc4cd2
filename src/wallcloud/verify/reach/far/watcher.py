"""Tries the same probes round after round, and says which of them was answered after it had been held back.

A machine that is off, or has no wall yet, is no wall that opened: a probe counts from the first time on that it went
unanswered for some rounds. From then on each answer is a hole, with the time at which it was there.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from wallcloud.verify.reach.far import sender
from wallcloud.verify.reach.far.ears import Ears
from wallcloud.verify.reach.far.packets import HELD_BACK, UDP

ROUND_SECONDS = 0.25
SILENT_ROUNDS, SILENT_UDP_ROUNDS = 4, 80
"""So many rounds without an answer are a silence: one that is late by a second belongs to a round before. Of UDP ports
that nobody has the kernel tells one in a second (net.ipv4.icmp_ratelimit), whichever of them."""
_MOST_TOLD = 5
_NUMBERS = 1 << 24


class Watcher:
    """Sends from its making on, until `end`. A shot's number and source port are set anew in each round."""

    def __init__(self, shots: list[sender.Shot], run: int) -> None:
        self._shots = shots
        self._run = run
        self._rounds = 0
        self._answered: dict[int, int] = {}
        """The last round in which each was answered; before the first one, none."""
        self._answers: dict[int, int] = {}
        self._holes: dict[int, list[tuple[float, str]]] = {}
        self._stop = threading.Event()
        self._known = threading.Event()
        self._span = _NUMBERS // max(1, len(shots))
        self._ears = Ears(run, told=self._heard)
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        began = time.monotonic()
        while not self._stop.wait(max(0.0, began + self._rounds * ROUND_SECONDS - time.monotonic())):
            at, first = self._rounds % self._span, HELD_BACK[self._rounds % len(HELD_BACK)]
            numbers = range(at * len(self._shots), (at + 1) * len(self._shots))
            sender.send(
                [
                    [shot[0], self._run << 24 | number, first, *shot[3:]]
                    for number, shot in zip(numbers, self._shots, strict=True)
                ],
                0,
            )
            self._rounds += 1
            if self._rounds > SILENT_ROUNDS:
                self._known.set()

    def _heard(self, number: int, kind: str, ear: str, source: str) -> None:
        if kind == "probe" or not ear.startswith("in "):
            return
        which = number % _NUMBERS % len(self._shots)
        if source != self._shots[which][5]:
            return  # a router's word that a machine is off
        last = self._answered.get(which, -1)
        self._answers[which] = self._answers.get(which, 0) + 1
        silent = SILENT_UDP_ROUNDS if self._shots[which][6] == UDP else SILENT_ROUNDS
        if self._rounds - last > silent and len(self._holes.setdefault(which, [])) < _MOST_TOLD:
            self._holes[which].append((time.time(), kind))
        else:
            self._answered[which] = self._rounds

    def settle(self) -> None:
        """Until it is known what is shut: what opened before could not be told from what was open all along."""
        self._known.wait()

    def end(self) -> dict[str, Any]:
        """`{rounds, answers: {shot: number of answers}, holes: {shot: [(time, kind)]}}`."""
        self._stop.set()
        self._thread.join()
        self._ears.stop()
        return {"rounds": self._rounds, "answers": self._answers, "holes": self._holes}
