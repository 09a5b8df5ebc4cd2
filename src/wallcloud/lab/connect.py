"""Run by ssh (ProxyCommand with ProxyUseFdpass): connects from inside a network namespace, and hands the socket over.

`connect.py NAMESPACE HOST PORT`; standard output is the Unix socket on which ssh waits for the descriptor, see
ssh_config(5). Standard library only. The bytes of the session never pass through here.
"""

import ctypes
import os
import socket
import sys

CLONE_NEWNET = 0x40000000
SECONDS = 10.0
"""ssh waits for the socket without a limit of its own (its ConnectTimeout begins later)."""


def enter(namespace: str) -> None:
    """Moves this thread (and no other) into a network namespace; raises OSError. setns(2)."""
    handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), namespace)
    finally:
        os.close(handle)


def main() -> int:
    """Exit status 0 when ssh has the socket, 1 with one line on standard error when there is none."""
    namespace, host, port = sys.argv[1:4]
    try:
        enter(namespace)
    except FileNotFoundError:
        print(f"wallcloud: the lab is not up ({namespace} is missing): wallcloud lab up", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"wallcloud: cannot enter the lab: {error.strerror} (only root can)", file=sys.stderr)
        return 1
    try:
        connection = socket.create_connection((host, int(port)), SECONDS)
    except OSError as error:
        print(f"wallcloud: {host} port {port}: {error.strerror or error}", file=sys.stderr)
        return 1
    connection.setblocking(True)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with socket.socket(fileno=os.dup(1)) as ssh:
        socket.send_fds(ssh, [b"\0"], [connection.fileno()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
