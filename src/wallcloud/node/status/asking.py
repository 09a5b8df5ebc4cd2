"""Several questions at once, each with so much time and no more: who is slow costs himself only."""

import threading
import time
from collections.abc import Callable
from typing import Any

from wallcloud.node.failure import ResourceFailed
from wallcloud.node.status.model import Silence

SECONDS = 10.0
"""So long for all questions together. What takes longer is as good as dead to who waits for it."""


class Question:
    """One question in a thread of its own."""

    def __init__(self, what: str, component: str, ask: Callable[[], object]) -> None:
        self.what = what
        self.component = component
        self.answer: Any = None
        self.why = ""
        self._ask = ask
        self.thread = threading.Thread(target=self._run, name=what, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.answer = self._ask()
            self.why = "" if self.answer is not None else "no answer"
        except ResourceFailed as failed:
            self.why = ": ".join([failed.what, *failed.output[-1:]])
        except Exception as error:  # whatever it runs into is told of this question alone
            self.why = f"{type(error).__name__}: {error}"


class Asking:
    """Questions that were begun. Those that are not done in time go on, and nobody hears them."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self.silent: list[Silence] = []

    def begin(self, what: str, component: str, ask: Callable[[], object]) -> Question:
        """Asks from now on."""
        return Question(what, component, ask)

    def stopped(self, what: str, component: str, cause: str) -> None:
        """Notes what is not asked, because `cause` does not run."""
        self.silent.append(Silence(what, component, f"{cause} does not run", cause))

    def answer(self, question: Question) -> Any:
        """What came of it; None where there is no answer (in time)."""
        question.thread.join(max(0.0, self._end - time.monotonic()))
        why = f"no answer within {self._seconds:g} s" if question.thread.is_alive() else question.why
        if why:
            self.silent.append(Silence(question.what, question.component, why))
            return None
        return question.answer
