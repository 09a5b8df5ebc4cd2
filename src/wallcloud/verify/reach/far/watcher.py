"""Tries the same probes round after round, and says which of them came through after it had been held back.

From outside a probe has come through when it is answered; on a node, as one of its accounts, when it leaves. A machine
that is off, or has no wall yet, is no wall that opened: a probe counts from the first time on that it was held back for
some rounds. From then on each that comes through is a hole, with the time at which it was there.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from wallcloud.verify.reach.far import sender
from wallcloud.verify.reach.far.ears import Ears
from wallcloud.verify.reach.far.packets import HELD_BACK, LET_THROUGH, UDP

VOLLEY, VOLLEY_SECONDS = 500, 0.25
"""So many are sent at once, and so often. A round is all of them, in as many volleys as it takes."""
SILENT_ROUNDS, SILENT_UDP_ROUNDS = 4, 80
"""So many rounds without any are a silence: an answer that is late by a second belongs to a round before. Of UDP ports
that nobody has the kernel tells one in a second (net.ipv4.icmp_ratelimit), whichever of them."""
_MOST_TOLD = 5
_NUMBERS = 1 << 24
_STRIDE = 31


class Watcher:
    """Sends from its making on, until `end`. With `leaving` what counts is that a probe leaves, not its answer.

    A shot's number and source port are set anew in each round: the port is of LET_THROUGH where the shot's is, else of
    HELD_BACK.
    """

    def __init__(self, shots: list[sender.Shot], run: int, leaving: bool = False) -> None:
        self._shots = shots
        self._run = run
        self._leaving = leaving
        self._rounds = 0
        self._through: dict[int, int] = {}
        """The last round in which each came through; before the first one, none."""
        self._times: dict[int, int] = {}
        self._holes: dict[int, list[tuple[float, str]]] = {}
        self._stop = threading.Event()
        self._known = threading.Event()
        self._span = _NUMBERS // max(1, len(shots))
        self._ears = Ears(run, told=self._heard)
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        due = time.monotonic()
        while True:
            for begin in range(0, max(1, len(self._shots)), VOLLEY):
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return
                due += VOLLEY_SECONDS
                some = range(begin, min(begin + VOLLEY, len(self._shots)))
                sender.send([self._now(which) for which in some], 0)
            self._rounds += 1
            if self._rounds > SILENT_ROUNDS:
                self._known.set()

    def _now(self, which: int) -> sender.Shot:
        shot = self._shots[which]
        number = self._rounds % self._span * len(self._shots) + which
        ports = LET_THROUGH if shot[2] in LET_THROUGH else HELD_BACK
        # Two accounts never ask the same at the same time from the same port: that is one conversation to conntrack.
        port = ports[(self._rounds + which * _STRIDE) % len(ports)]
        return [shot[0], self._run << 24 | number, port, *shot[3:]]

    def _heard(self, number: int, kind: str, ear: str, source: str) -> None:
        which = number % _NUMBERS % len(self._shots)
        if self._leaving:
            through = kind == "probe" and ear.startswith("out ")
        else:
            # Else it is a router's word that a machine is off.
            through = kind != "probe" and ear.startswith("in ") and source == self._shots[which][5]
        if not through:
            return
        last = self._through.get(which, -1)
        self._times[which] = self._times.get(which, 0) + 1
        silent = SILENT_UDP_ROUNDS if self._shots[which][6] == UDP and not self._leaving else SILENT_ROUNDS
        if self._rounds - last > silent and len(self._holes.setdefault(which, [])) < _MOST_TOLD:
            self._holes[which].append((time.time(), kind))
        else:
            self._through[which] = self._rounds

    def settle(self) -> None:
        """Until it is known what is shut: what opened before could not be told from what was open all along."""
        self._known.wait()

    def end(self) -> dict[str, Any]:
        """`{rounds, through: {shot: how often}, holes: {shot: [(time, kind)]}}`."""
        self._stop.set()
        self._thread.join()
        self._ears.stop()
        return {"rounds": self._rounds, "through": self._times, "holes": self._holes}
