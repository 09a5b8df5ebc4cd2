"""Starts OpenStack's privileged helpers without sudo: a door between a service and a unit of systemd's.

`privsep.py ask SOCKET --privsep_context C --privsep_sock_path P` is a service's `helper_command`: it asks at SOCKET
and ends well once the helper's daemon is connected to P, where oslo.privsep listens.

`privsep.py serve HELPER FOLDER CONTEXTS [--config-file F]…` is what systemd runs for each connection (Accept=yes,
StandardInput=socket), with the capabilities of its unit: it serves the contexts in CONTEXTS (commas between them) and
sockets in FOLDER only. Standard library only.
"""

import json
import os
import socket
import subprocess
import sys

SECONDS = 120.0
LONGEST = 4096


def ask(where: str, context: str, path: str) -> str:
    """The answer of the unit at `where`: "ok", or what is wrong. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(where)
        connection.sendall(json.dumps([context, path]).encode() + b"\n")
        return _line(connection) or "the privileged unit ended without an answer: see its journal"


def refused(request: object, folder: str, contexts: tuple[str, ...]) -> str:
    """Why a request is not served; empty where it is."""
    if not (isinstance(request, list) and len(request) == 2 and all(isinstance(each, str) for each in request)):
        return "no request"
    context, path = request
    if context not in contexts:
        return f"{context} is not served here"
    if os.path.realpath(path) != path or not path.startswith(f"{folder}/"):
        return f"{path} does not lie in {folder}"
    return ""


def serve(connection: socket.socket, helper: str, folder: str, contexts: tuple[str, ...], config: list[str]) -> str:
    """Serves the one request of `connection`. The helper leaves its daemon behind. Empty, or what went wrong."""
    connection.settimeout(SECONDS)
    try:
        request = json.loads(_line(connection) or "null")
    except ValueError:
        request = None
    wrong = refused(request, folder, contexts)
    if not wrong:
        context, path = request
        argv = [helper, *config, "--privsep_context", context, "--privsep_sock_path", path]
        null = subprocess.DEVNULL
        status = subprocess.run(argv, stdin=null, stdout=null, check=False).returncode
        wrong = f"{helper} ended with status {status}" if status else ""
    connection.sendall(f"{wrong or 'ok'}\n".encode())
    return wrong


def _line(connection: socket.socket) -> str:
    received = b""
    while b"\n" not in received and len(received) < LONGEST:
        more = connection.recv(LONGEST)
        if not more:
            return ""
        received += more
    return received.partition(b"\n")[0].decode(errors="replace")


def main(words: list[str]) -> str:
    """Empty, or what went wrong."""
    verb, *rest = words
    if verb == "serve":
        helper, folder, contexts, *config = rest
        with socket.socket(fileno=0) as connection:
            return serve(connection, helper, folder, tuple(contexts.split(",")), config)
    where, *named = rest
    given = dict(zip(named[::2], named[1::2], strict=True))
    answer = ask(where, given["--privsep_context"], given["--privsep_sock_path"])
    return "" if answer == "ok" else answer


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]) or 0)
    except OSError as error:
        sys.exit(f"privsep: {error}")
