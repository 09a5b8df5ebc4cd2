"""Runs at a place outside (office, admin workstation): tries what it is told, says what it met. Standard library only.

Standard input is one JSON line `[{id, kind, …}, …]`; standard output one JSON line `[{id, outcome, detail}, …]`.
Passwords come in by standard input alone. Kinds:

- `connect` {address, port, seconds}: TCP. → `open`, `refused`, `silent` (no answer in time), `unreachable`
- `tls` {address, port, name, ca|null}: a handshake; `ca` is PEM, null trusts whom the place's system trusts, "" nobody.
  → `verified`, `not verified`, `no TLS`
- `plain` {address, port}: HTTP without TLS on a TLS port. → `refused`, `answered` (an answer with a 2xx or 3xx status)
- `http` {address, port, name, ca, method, path, headers, body, forbidden}: one request over verified TLS.
  → `status NNN`, or `leaks` where the answer's head or body holds one of the texts in `forbidden`
- `login` {address, port, name, ca, user, password, project, forbidden}: POST /identity/v3/auth/tokens → as `http`
- `token` as `login` → `token`, and the token itself as detail: for a probe from another place, never for a report
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SECONDS = 20.0
Probe = dict[str, Any]
Outcome = tuple[str, str]


def _connect(probe: Probe) -> Outcome:
    try:
        socket.create_connection((probe["address"], probe["port"]), probe["seconds"]).close()
    except TimeoutError:
        return "silent", ""
    except ConnectionRefusedError:
        return "refused", ""
    except OSError as error:
        return "unreachable", str(error.strerror)
    return "open", ""


def _context(ca: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is None:
        context.load_default_certs()
    elif ca:
        context.load_verify_locations(cadata=ca)
    return context


def _tls(probe: Probe) -> Outcome:
    raw = socket.create_connection((probe["address"], probe["port"]), SECONDS)
    try:
        with _context(probe["ca"]).wrap_socket(raw, server_hostname=probe["name"]) as wrapped:
            return "verified", str(wrapped.version())
    except ssl.SSLCertVerificationError as error:
        return "not verified", error.verify_message
    except ssl.SSLError as error:
        return "no TLS", str(error.reason)


def _plain(probe: Probe) -> Outcome:
    connection = http.client.HTTPConnection(probe["address"], probe["port"], timeout=SECONDS)
    try:
        connection.request("GET", "/identity/v3")
        status = connection.getresponse().status
    except (http.client.HTTPException, ConnectionError):
        return "refused", ""
    finally:
        connection.close()
    return ("answered" if status < 400 else "refused"), f"status {status}"


class _Connection(http.client.HTTPSConnection):
    """HTTPS to an address, verified by the name: the place needs no resolver."""

    def __init__(self, address: str, port: int, name: str, ca: str) -> None:
        super().__init__(name, port, timeout=SECONDS, context=_context(ca))
        self._address = address
        self._tls = _context(ca)

    def connect(self) -> None:
        raw = socket.create_connection((self._address, self.port), SECONDS)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)


def _request(probe: Probe) -> tuple[int, str, bytes, str]:
    """Status, the whole head as text, the body, the token in it."""
    connection = _Connection(probe["address"], probe["port"], probe["name"], probe["ca"])
    try:
        body = probe.get("body")
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **probe.get("headers", {})}
        connection.request(probe["method"], probe["path"], data, sent)
        answer = connection.getresponse()
        head = "\n".join(f"{key}: {value}" for key, value in answer.getheaders())
        return answer.status, head, answer.read(), answer.headers.get("X-Subject-Token", "")
    finally:
        connection.close()


def _judged(probe: Probe) -> Outcome:
    status, head, body, token = _request(probe)
    whole = head + "\n" + body.decode(errors="replace")
    for text in probe.get("forbidden", ()):
        if text in whole:
            return "leaks", text
    if status == 201 and probe["path"].endswith("/auth/tokens") and not token:
        return "no token", ""
    return f"status {status}", ""


def login(user: str, password: str, project: str) -> dict[str, Any]:
    """The body of a login at Keystone, without a scope where there is no project."""
    who = {"user": {"name": user, "domain": {"id": "default"}, "password": password}}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": who}}
    if project:
        auth["scope"] = {"project": {"name": project, "domain": {"id": "default"}}}
    return {"auth": auth}


def _as_login(probe: Probe) -> Probe:
    body = login(probe["user"], probe["password"], probe["project"])
    return {**probe, "method": "POST", "path": "/identity/v3/auth/tokens", "body": body}


def _login(probe: Probe) -> Outcome:
    return _judged(_as_login(probe))


def _token(probe: Probe) -> Outcome:
    status, _, _, token = _request(_as_login(probe))
    return ("token", token) if token else (f"status {status}", "")


_KINDS = {
    "connect": _connect,
    "tls": _tls,
    "plain": _plain,
    "http": _judged,
    "login": _login,
    "token": _token,
}


def _one(probe: Probe) -> dict[str, str]:
    try:
        outcome, detail = _KINDS[probe["kind"]](probe)
    except TimeoutError:
        outcome, detail = "silent", ""
    except (OSError, http.client.HTTPException) as error:
        outcome, detail = "unreachable", f"{type(error).__name__}: {error}"
    return {"id": probe["id"], "outcome": outcome, "detail": detail}


def main() -> None:
    """Reads, tries, answers."""
    probes: list[Probe] = json.loads(sys.stdin.readline())
    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(_one, probes))
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
