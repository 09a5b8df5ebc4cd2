"""Starts programs in network namespaces for Neutron's agents without sudo: their `root_helper`.

`root_helper.py ask SOCKET COMMAND…` hands the command and its own three standard streams to the unit behind SOCKET and
ends as the command does. `root_helper.py serve PREFIX PROGRAMS` is what systemd runs for each connection (Accept=yes,
StandardInput=socket): it takes `ip netns exec PREFIX… [env NAME=VALUE…] PROGRAM …` with one of PROGRAMS (commas) only.
What the command leaves running stays in that unit, so it outlives the agent. Standard library only.
"""

import json
import os
import re
import socket
import subprocess
import sys

SECONDS = 120.0
LONGEST = 1 << 20
REFUSED = 99
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def ask(where: str, command: list[str]) -> int:
    """The command's exit status. Raises OSError, ValueError."""
    text = json.dumps(command).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(where)
        socket.send_fds(connection, [text[:1]], [0, 1, 2])
        connection.sendall(text[1:])
        return int(_line(connection, b"") or REFUSED)


def refused(command: object, prefix: str, programs: tuple[str, ...]) -> str:
    """Why a command is not run; empty where it is."""
    if not (isinstance(command, list) and all(isinstance(each, str) for each in command)):
        return "no command"
    if command[:3] != ["ip", "netns", "exec"] or len(command) < 5:
        return "only programs in network namespaces are started here"
    if not re.fullmatch(re.escape(prefix) + r"[0-9a-f-]{36}", command[3]):
        return f"{command[3]} is no namespace of this agent"
    rest = command[4:]
    if rest[0] == "env":
        rest = rest[1:]
        while rest and re.fullmatch(r"[A-Z_]+=[A-Za-z0-9/_.-]*", rest[0]):
            rest = rest[1:]
    if not rest or rest[0] not in programs:
        return f"{rest[0] if rest else 'nothing'} is not started here"
    return ""


def serve(connection: socket.socket, prefix: str, programs: tuple[str, ...]) -> int:
    """Runs the one command of `connection` with the streams that came along; its exit status."""
    connection.settimeout(SECONDS)
    first, streams, _, _ = socket.recv_fds(connection, 1, 3)
    try:
        command = json.loads(_line(connection, first) or "null")
    except ValueError:
        command = None
    wrong = refused(command, prefix, programs) or ("" if len(streams) == 3 else "no streams")
    if wrong:
        print(wrong, file=sys.stderr, flush=True)
        status = REFUSED
        if len(streams) == 3:
            os.write(streams[2], f"root helper: {wrong}\n".encode())
    else:
        stdin, stdout, stderr = streams
        status = subprocess.run(
            command, stdin=stdin, stdout=stdout, stderr=stderr, env={"PATH": PATH, "LC_ALL": "C.UTF-8"}, check=False
        ).returncode
    for each in streams:
        os.close(each)
    connection.sendall(f"{status}\n".encode())
    return status


def _line(connection: socket.socket, received: bytes) -> str:
    while b"\n" not in received and len(received) < LONGEST:
        more = connection.recv(65536)
        if not more:
            return ""
        received += more
    return received.partition(b"\n")[0].decode(errors="replace")


def main(words: list[str]) -> int:
    """The exit status."""
    verb, first, *rest = words
    if verb == "serve":
        with socket.socket(fileno=0) as connection:
            serve(connection, first, tuple(rest[0].split(",")))
        return 0
    return ask(first, rest)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError) as error:
        sys.exit(f"root helper: {error}")
