"""Starts the responder, the prober and the echo, then learns the metadata."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from . import responder
from .about import About
from .prober import PORT, Prober


def main() -> None:
    """Runs for ever."""
    about = About()
    prober = Prober(about)
    _listen(80, lambda ends: responder.serve(ends, about))
    _listen(PORT, prober.serve)
    threading.Thread(target=_echo, args=(PORT,), daemon=True).start()
    about.learn()
    threading.Event().wait()


def _listen(port: int, serve: Callable[[socket.socket], None]) -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(64)

    def one(ends: socket.socket) -> None:
        with ends, contextlib.suppress(OSError):  # the client has left
            serve(ends)

    def accept() -> None:
        while True:
            ends, _ = listener.accept()
            threading.Thread(target=one, args=(ends,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def _echo(port: int) -> None:
    ends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ends.bind(("", port))
    while True:
        try:
            data, sender = ends.recvfrom(65535)
            ends.sendto(data, sender)
        except OSError:
            continue  # a refusal that came back for an earlier one
