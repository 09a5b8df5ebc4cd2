"""Hears from a machine's container manager whether it is booted: sd_notify(3) over a datagram socket."""

import os
import socket
import threading
from pathlib import Path
from typing import Self

_READY = b"READY=1"


class Hearing:
    """Reads everything that is said at `path` from now until it is closed; `ready` is set by READY=1.

    In a thread of its own: a sender waits where nobody reads (unix(7); ten datagrams fit), and so the container manager
    would, and behind it the machine's systemd, which tells it at each step of its boot how far it is.
    """

    def __init__(self, path: Path) -> None:
        self.ready = threading.Event()
        self._closed = False
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        path.unlink(missing_ok=True)
        # sun_path is short (108 bytes) and folders may be long: bind relative to the folder.
        folder = os.open(path.parent, os.O_PATH)
        try:
            self._socket.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        self._thread = threading.Thread(target=self._read, name=f"hearing {path}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._closed:
            if _READY in self._socket.recv(4096).split(b"\n"):
                self.ready.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Whoever sends from now on is told that nobody is there."""
        self._closed = True
        self._socket.shutdown(socket.SHUT_RD)  # wakes the reader, who hears nothing
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)
