"""One process with all of Neutron's privileged code in it, which hatches a helper by fork for whoever may ask.

`privsep_nest.py PRELOAD UID=CONFIG=FOLDER…` is the main process of a unit of systemd's with a socket. Who asks is known
by the kernel's word (SO_PEERCRED): an agent by its uid, nobody else. A request is what `privsep.py ask` sends. Each
helper is oslo.privsep's own `helper_main`, with the agent's CONFIG; it serves the contexts of `neutron.privileged` and
sockets in FOLDER only.

Started one by one, a helper takes three seconds of CPU and 110 MiB, and an agent has four of them. Forked they share
what they have loaded. Runs on the environment's Python.
"""

import gc
import importlib
import json
import os
import re
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass

SECONDS = 20.0
LONGEST = 4096
FIRST_FD = 3
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid (unix(7))
CONTEXT = re.compile(r"neutron\.privileged\.[a-z_]+")


@dataclass(frozen=True)
class Agent:
    """Who asks: its settings, and where it listens for its helpers."""

    config: str
    folder: str


def refused(request: object, agent: Agent) -> str:
    """Why a request is not served; empty where it is."""
    if not (isinstance(request, list) and len(request) == 2 and all(isinstance(each, str) for each in request)):
        return "no request"
    context, path = request
    if not CONTEXT.fullmatch(context):
        return f"{context} is not served here"
    if os.path.realpath(path) != path or not path.startswith(f"{agent.folder}/"):
        return f"{path} does not lie in {agent.folder}"
    return ""


def hatch(connection: socket.socket, agent: Agent) -> None:
    """In a child of the nest: serves the one request of `connection`. Does not return."""
    connection.settimeout(SECONDS)
    status = 1
    try:
        request = json.loads(_line(connection) or "null")
        wrong = refused(request, agent)
        if not wrong:
            context, path = request
            sys.argv = ["privsep-helper", "--config-file", agent.config]
            sys.argv += ["--privsep_context", context, "--privsep_sock_path", path]
            # It forks once more: here it returns when the daemon is connected; the daemon itself ends with SystemExit.
            importlib.import_module("oslo_privsep.daemon").helper_main()
            status = 0
        connection.sendall(f"{wrong or 'ok'}\n".encode())
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException as error:  # a child must not come back into the nest's loop
        print(f"privsep nest: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        with suppress(OSError):
            connection.sendall(f"{type(error).__name__}: {error}\n".encode())
    os._exit(status)


def _line(connection: socket.socket) -> str:
    received = b""
    while b"\n" not in received and len(received) < LONGEST:
        more = connection.recv(LONGEST)
        if not more:
            return ""
        received += more
    return received.partition(b"\n")[0].decode(errors="replace")


def asking(connection: socket.socket) -> int:
    """The uid of the process at the other end."""
    given = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(given)[1])


def main(words: list[str]) -> None:
    """Loads, then hatches for ever."""
    for name in words[0].split(","):
        importlib.import_module(name)
    agents = {int(uid): Agent(config, folder) for uid, config, folder in (each.split("=") for each in words[1:])}
    # Who is loaded already stays where it is: a collection in a child would copy every page.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    with socket.socket(fileno=FIRST_FD) as door:
        os.set_inheritable(door.fileno(), False)
        _tell_systemd()
        while True:
            with suppress(OSError):
                connection, _ = door.accept()
                with connection:
                    agent = agents.get(asking(connection))
                    if agent is not None and os.fork() == 0:
                        door.close()
                        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                        hatch(connection, agent)


def _tell_systemd() -> None:
    where = os.environ.pop("NOTIFY_SOCKET", "")
    if where:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
            telling.connect(f"\0{where[1:]}" if where.startswith("@") else where)
            telling.sendall(b"READY=1")


if __name__ == "__main__":
    main(sys.argv[1:])
