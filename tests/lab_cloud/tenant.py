"""A tenant's program that asks the public door all the time, until its standard input ends; standard library only.

The first line of standard input is JSON: {address, name, ca (PEM), user, password, project, seconds}. It says `begun`
after its first round, and at the end one line of JSON: {asked, retried: [...], failed: [...], slowest: {what: s}}. A
request that fails (no answer in `seconds`, none at all, or a status that no healthy cloud gives) is asked once more at
once; where that fails too it is a failure. One loop takes a new token for each round, another keeps its first one.
"""

import http.client
import json
import socket
import ssl
import sys
import threading
import time
from typing import Any

OVER = threading.Event()


class Refused(Exception):
    """An answer that is none."""


class Tenant:
    """One loop of requests."""

    def __init__(self, given: dict[str, Any], name: str, told: dict[str, Any]) -> None:
        self._given = given
        self._name = name
        self._told = told
        self._context = ssl.create_default_context(cadata=given["ca"])
        self._token = ""
        self._network = ""

    def login(self) -> None:
        """A token by password."""
        domain = {"id": "default"}
        user = {"name": self._given["user"], "password": self._given["password"], "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": self._given["project"], "domain": domain}}
        body = {"auth": {"identity": identity, "scope": scope}}
        self._token = ""
        headers, _ = self.ask("token", "POST", "/identity/v3/auth/tokens", body, 201)
        self._token = headers.get("x-subject-token", "")

    def begin(self) -> None:
        """A network to make ports on."""
        self.login()
        _, body = self.ask("network create", "POST", "/network/v2.0/networks", {"network": {"name": self._name}}, 201)
        self._network = body["network"]["id"]

    def round(self) -> None:
        """What a tenant's tools ask."""
        self.ask("servers", "GET", "/compute/v2.1/servers/detail")
        self.ask("networks", "GET", "/network/v2.0/networks")
        self.ask("images", "GET", "/image/v2/images")
        wanted = {"port": {"network_id": self._network, "name": self._name}}
        _, body = self.ask("port create", "POST", "/network/v2.0/ports", wanted, 201)
        if body:
            self.ask("port delete", "DELETE", f"/network/v2.0/ports/{body['port']['id']}", None, 204)

    def end(self) -> None:
        """Leaves nothing behind, not even the port of a request that was answered too late."""
        _, body = self.ask("ports", "GET", f"/network/v2.0/ports?network_id={self._network}")
        for port in (body or {}).get("ports", ()):
            self.ask("port delete", "DELETE", f"/network/v2.0/ports/{port['id']}", None, 204)
        self.ask("network delete", "DELETE", f"/network/v2.0/networks/{self._network}", None, 204)

    def ask(self, what: str, method: str, path: str, body: Any = None, good: int = 200) -> tuple[dict[str, str], Any]:
        """One request, and one retry; what came of both is noted."""
        whys: list[str] = []
        for _ in range(2):
            began = time.monotonic()
            try:
                answer = self._once(method, path, body, good, again=bool(whys))
            except (OSError, http.client.HTTPException, Refused, ValueError) as error:
                whys.append(f"{type(error).__name__}: {error} after {time.monotonic() - began:.1f} s"[:300])
            else:
                self._note(what, time.monotonic() - began, whys, failed=False)
                return answer
        self._note(what, 0, whys, failed=True)
        return {}, None

    def _note(self, what: str, seconds: float, whys: list[str], *, failed: bool) -> None:
        self._told["asked"] += 1
        self._told["slowest"][what] = round(max(self._told["slowest"].get(what, 0), seconds), 2)
        if whys:
            at = time.strftime("%H:%M:%S")
            self._told["failed" if failed else "retried"].append(f"{at} {self._name}: {what}: {'; then '.join(whys)}")

    def _once(self, method: str, path: str, body: Any, good: int, *, again: bool) -> tuple[dict[str, str], Any]:
        """A connection of its own for each, as most tools have."""
        raw = socket.create_connection((self._given["address"], 443), self._given["seconds"])
        with self._context.wrap_socket(raw, server_hostname=self._given["name"]) as tls:
            connection = http.client.HTTPSConnection(self._given["name"])
            connection.sock = tls
            headers = {"Content-Type": "application/json", "X-Auth-Token": self._token}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        # What the first try did before its answer was lost is done.
        if answer.status != good and not (again and method == "DELETE" and answer.status == 404):
            raise Refused(f"{method} {path}: {answer.status} {text}")
        return {name.lower(): value for name, value in answer.getheaders()}, json.loads(text) if text else None


def loop(tenant: Tenant, first: threading.Barrier, *, anew: bool) -> None:
    """Rounds until it is over."""
    tenant.begin()
    tenant.round()
    first.wait()
    while not OVER.is_set():
        if anew:
            tenant.login()
        tenant.round()
    tenant.end()


def main() -> None:
    given = json.loads(sys.stdin.readline())
    told: dict[str, Any] = {"asked": 0, "retried": [], "failed": [], "slowest": {}}
    first = threading.Barrier(3)
    loops = [
        threading.Thread(target=loop, args=(Tenant(given, name, told), first), kwargs={"anew": anew}, daemon=True)
        for name, anew in (("rotate-anew", True), ("rotate-kept", False))
    ]
    for each in loops:
        each.start()
    first.wait()
    print("begun", flush=True)
    sys.stdin.read()
    OVER.set()
    for each in loops:
        each.join()
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
