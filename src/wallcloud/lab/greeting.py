"""Waits for a machine's SSH to greet, as seen from the admin workstation."""

import socket
import threading
from ipaddress import IPv4Address
from pathlib import Path

from wallcloud.errors import WallcloudError
from wallcloud.lab import connect


def expect(node: str, namespace: Path, address: IPv4Address, port: int, seconds: float = 15.0) -> None:
    """Connects and reads `SSH-…` (RFC 4253, 4.2); raises WallcloudError saying what came instead."""
    outcome: list[str] = []

    def look() -> None:
        try:
            connect.enter(str(namespace))
            with socket.create_connection((str(address), port), seconds) as connection:
                connection.settimeout(seconds)
                line = connection.recv(256)
            outcome.append("" if line.startswith(b"SSH-") else f"greets with {line[:40]!r}")
        except OSError as error:
            outcome.append(error.strerror or str(error))

    # A thread of its own, since the namespace is a thread's: this one ends with it.
    thread = threading.Thread(target=look, name=f"greeting of {node}")
    thread.start()
    thread.join()
    if outcome[0]:
        raise WallcloudError(
            f"{node} is booted, but its SSH does not answer on {address} port {port}: {outcome[0]}",
            where="lab",
            hint=f"wallcloud lab logs {node} shows its journal",
        )
