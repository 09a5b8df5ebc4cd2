"""What a workstation does: asks the cloud's APIs over verified TLS, reaches guests, and is reached by them.

Kinds (times in seconds, sizes in bytes of the whole IPv4 packet):

- `api` {address, port, name, ca, method, path, headers, body} → `{status, headers, body}`, body as text
- `connect` {address, port, wait} → `open`, `refused`, `silent`, `unreachable`
- `connect_by` {address, port, via, wait} → the same, through a router on a wire of this place's; `no such router`
- `ping` {address, size, wait} → `answered`, `silent`; never fragmented
- `fetch` {address, port, path, wait} → `{status, body}`; plain HTTP
- `download` {address, path, wait} → `{status, size, right}`: whether byte i of the body was i % 251
- `ask` {address, line, wait} → the answer of the guest's prober (TCP 7)
- `ask_all` {address, lines, wait} → the answers to all of them
- `serve` {} → `{port}` of an HTTP server that answers with the address it was asked from
- `own` {address} → this place's address towards another one
"""

from __future__ import annotations

import http.client
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections import defaultdict
from typing import Any

from wallcloud.verify.far import loop

_SECONDS = 120.0
# Apache closes an idle connection after five seconds: one that was idle for longer than this is not used again, so that
# no request meets a connection that is just being closed.
_IDLE_SECONDS = 2.0
_PROBER = 7
_Door = tuple[str, int, str]

_idle: dict[_Door, list[tuple[float, http.client.HTTPSConnection]]] = defaultdict(list)
_lock = threading.Lock()
_routes = threading.Lock()
"""Two may want a route to the same address: tenants' addresses are alike."""
_contexts: dict[str, ssl.SSLContext] = {}


class _Connection(http.client.HTTPSConnection):
    """HTTPS to an address, verified by the name: the place needs no resolver."""

    def __init__(self, door: _Door, context: ssl.SSLContext) -> None:
        address, port, name = door
        super().__init__(name, port, timeout=_SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        raw = socket.create_connection((self._address, self.port), 10)
        raw.settimeout(_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)


def _context(ca: str) -> ssl.SSLContext:
    with _lock:
        if ca not in _contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(cadata=ca)
            _contexts[ca] = context
        return _contexts[ca]


def _connection(door: _Door, ca: str) -> http.client.HTTPSConnection:
    with _lock:
        while _idle[door]:
            since, connection = _idle[door].pop()
            if time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.close()
    return _Connection(door, _context(ca))


def api(
    address: str, port: int, name: str, ca: str, method: str, path: str, headers: dict[str, str], body: Any
) -> dict[str, Any]:
    """One request; the connection is kept for the next."""
    door = (address, port, name)
    connection = _connection(door, ca)
    try:
        sent = {"Accept": "application/json", **headers}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, data, sent)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        told = {"status": answer.status, "headers": dict(answer.getheaders()), "body": text}
    except BaseException:
        connection.close()
        raise
    if answer.will_close:
        connection.close()
    else:
        with _lock:
            _idle[door].append((time.monotonic(), connection))
    return told


def connect(address: str, port: int, wait: float) -> str:
    """Whether a TCP connection comes about."""
    try:
        socket.create_connection((address, port), wait).close()
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "unreachable"
    return "open"


def connect_by(address: str, port: int, via: str, wait: float) -> str:
    """`connect` with a route through `via` for as long as it takes. An address that `via` does not have proves nothing:
    it is `no such router` where nobody answers for it (ARP)."""
    route = (f"{address}/32", "via", via)
    with _routes:
        _ip("route", "add", *route)
        try:
            met = connect(address, port, wait)
            known = any("lladdr" in each for each in json.loads(_ip("-json", "neigh", "show", via)))
        finally:
            _ip("route", "del", *route)
    return met if known else "no such router"


def _ip(*words: str) -> str:
    return subprocess.run(("ip", *words), capture_output=True, text=True, check=True).stdout


def ping(address: str, size: int, wait: float) -> str:
    """One ICMP echo of `size` bytes with DF set. Raises OSError where this place may not send one."""
    number = struct.unpack("!H", os.urandom(2))[0]
    payload = os.urandom(size - 28)
    packet = struct.pack("!BBHHH", 8, 0, 0, number, 1) + payload
    packet = struct.pack("!BBHHH", 8, 0, _checksum(packet), number, 1) + payload
    try:
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        head = 0
    except PermissionError:  # the kernel lets only some groups; root has raw sockets
        link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        head = 20
    with link:
        link.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER = IP_PMTUDISC_DO
        link.connect((address, 0))
        link.send(packet)
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                got = link.recv(65535)[head:]
            except TimeoutError:
                break
            if got[:1] == b"\0" and got[8:] == payload:
                return "answered"
    return "silent"


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2])) + (data[-1] << 8) * (len(data) % 2)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def fetch(address: str, port: int, path: str, wait: float) -> dict[str, Any]:
    """GET without TLS."""
    connection = http.client.HTTPConnection(address, port, timeout=wait)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return {"status": answer.status, "body": answer.read(65536).decode(errors="replace")}
    finally:
        connection.close()


def download(address: str, path: str, wait: float) -> dict[str, Any]:
    """GET without TLS of what a guest counts out."""
    connection = http.client.HTTPConnection(address, 80, timeout=wait)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        size, right = 0, True
        while piece := answer.read(65536):
            right = right and piece == bytes(at % 251 for at in range(size, size + len(piece)))
            size += len(piece)
        return {"status": answer.status, "size": size, "right": right}
    finally:
        connection.close()


def ask(address: str, line: str, wait: float) -> dict[str, Any]:
    """One request to a guest's prober."""
    with socket.create_connection((address, _PROBER), min(wait, 10.0)) as link:
        link.settimeout(wait)
        link.sendall(line.encode() + b"\n")
        with link.makefile("rb") as file:
            answer: dict[str, Any] = json.loads(file.readline())
            return answer


def ask_all(address: str, lines: list[str], wait: float) -> list[dict[str, Any]]:
    """Many requests to a guest's prober, one after the other."""
    with socket.create_connection((address, _PROBER), min(wait, 10.0)) as link:
        link.settimeout(wait)
        answers: list[dict[str, Any]] = []
        with link.makefile("rwb") as file:
            for line in lines:
                file.write(line.encode() + b"\n")
                file.flush()
                answers.append(json.loads(file.readline()))
        return answers


class _Mirror(http.server.BaseHTTPRequestHandler):
    """Says whom it sees."""

    def do_GET(self) -> None:
        body = str(self.client_address[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def serve() -> dict[str, int]:
    """The server lives as long as this program."""
    server = http.server.ThreadingHTTPServer(("", 0), _Mirror)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {"port": server.server_port}


def own(address: str) -> str:
    """The kernel's choice; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect((address, 9))
        return str(link.getsockname()[0])


def main() -> None:
    """Serves these kinds."""
    kinds = (api, connect, connect_by, ping, fetch, download, ask, ask_all, serve, own)
    loop.serve({kind.__name__: kind for kind in kinds})
