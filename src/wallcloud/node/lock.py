"""One apply at a time on a node: a lock that ends with its process, and says who holds it."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from wallcloud.node.run import wait_for

PATH = Path("/run/wallcloud/lock")
GRACE_SECONDS = 3.0
FINISH_SECONDS = 900.0


class Lock:
    """Held from `take` until the process ends. The file holds {"operator", "since", "pid", "stopping"}."""

    def __init__(self, operator: str, path: Path = PATH) -> None:
        self._holder: dict[str, Any] = {
            "operator": operator,
            "since": round(time.time(), 3),
            "pid": os.getpid(),
            "stopping": False,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> dict[str, Any] | None:
        """None when the lock is ours; else its holder, who is not about to finish.

        A holder whose deployer is gone finishes the resource in hand: that is waited for.
        """
        if wait_for(lambda: self._try() or bool(self.holder().get("stopping")), GRACE_SECONDS, longest=0.2):
            wait_for(self._try, FINISH_SECONDS, longest=0.3)
        if not self._try():
            return {key: self.holder().get(key) for key in ("operator", "since", "pid")}
        self._write()
        return None

    def holder(self) -> dict[str, Any]:
        """What the file says of its holder."""
        try:
            found = json.loads(os.pread(self._descriptor, 4096, 0))
        except ValueError:  # just taken, not yet written
            return {}
        return found if isinstance(found, dict) else {}

    def stopping(self) -> None:
        """Tells those who wait that this run ends soon."""
        self._holder["stopping"] = True
        self._write()

    def _write(self) -> None:
        data = json.dumps(self._holder).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
