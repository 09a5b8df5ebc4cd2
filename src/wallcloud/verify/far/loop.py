"""The loop of a program at a place: calls come in as JSON lines, answers go out as JSON lines, several at a time.

In: `{id, kind, args}`. Out: `{id, value}` or `{id, error}`. It ends when standard input does, so nothing of it stays
behind when the deployer goes.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Kind = Callable[..., Any]
_AT_ONCE = 32


def serve(kinds: Mapping[str, Kind]) -> None:
    """Answers calls until standard input ends. What a kind raises becomes the call's `error`, in one line."""
    said = threading.Lock()

    def answer(call: dict[str, Any]) -> None:
        try:
            told: dict[str, Any] = {"id": call["id"], "value": kinds[call["kind"]](**call["args"])}
        except Exception as error:
            told = {"id": call["id"], "error": f"{type(error).__name__}: {error}".splitlines()[0]}
        line = json.dumps(told) + "\n"
        with said:
            sys.stdout.write(line)
            sys.stdout.flush()

    pool = ThreadPoolExecutor(_AT_ONCE)
    for line in sys.stdin:
        pool.submit(answer, json.loads(line))
    pool.shutdown(wait=False, cancel_futures=True)
