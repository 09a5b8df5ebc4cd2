"""Requests at a door, as fast as they are answered: runs at a workstation of the lab, standard library only.

Standard input is a JSON object `{url, ca, user, password, project, seconds, clients, guests, network, image, flavor}`,
standard output one `{"token": {"1": requests per second, "8": …}, "server list": {…}, …}`. Each client has a connection
of its own, which it keeps. A request that is not answered as it should be ends everything. Servers are listed while
there are none, and again when `guests` of them have been made on `network`, which stay: each costs Nova rows of several
tables, and all of them a question to Neutron. `network`, `image` and `flavor` are names.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit


class Client:
    """One client with its connection and its token."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        host = urlsplit(given["url"]).hostname or ""
        context = ssl.create_default_context(cadata=given["ca"])
        self._connection = http.client.HTTPSConnection(host, 443, timeout=60, context=context)
        self.token = ""
        self.network = ""

    def ask(self, method: str, path: str, wanted: int, body: object = None) -> tuple[dict[str, Any], str]:
        """One request: the decoded body, and a token in its head. Raises SystemExit at any other status."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "X-Auth-Token": self.token}
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != wanted:
            sys.exit(f"{method} {path}: {answer.status} {text[:300]!r}")
        return (json.loads(text) if text else {}), answer.getheader("X-Subject-Token") or ""

    def login(self) -> None:
        """A token by password."""
        given, domain = self._given, {"id": "default"}
        user = {"name": given["user"], "domain": domain, "password": given["password"]}
        self.token = ""
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": given["project"], "domain": domain}}
        body = {"auth": {"identity": identity, "scope": scope}}
        self.token = self.ask("POST", "/identity/v3/auth/tokens", 201, body)[1]

    def servers(self) -> None:
        """All servers with their details, as `openstack server list` asks."""
        self.ask("GET", "/compute/v2.1/servers/detail?all_tenants=1", 200)

    def find_network(self) -> None:
        """Its id."""
        name = self._given["network"]
        self.network = self.ask("GET", f"/network/v2.0/networks?name={name}", 200)[0]["networks"][0]["id"]

    def guests(self) -> None:
        """As many servers as are wanted, ACTIVE."""
        given = self._given
        image = self.ask("GET", f"/image/v2/images?name={given['image']}", 200)[0]["images"][0]["id"]
        flavors = self.ask("GET", "/compute/v2.1/flavors", 200)[0]["flavors"]
        flavor = next(each["id"] for each in flavors if each["name"] == given["flavor"])
        server = {"imageRef": image, "flavorRef": flavor, "networks": [{"uuid": self.network}]}
        there = self.ask("GET", "/compute/v2.1/servers", 200)[0]["servers"]
        for number in range(len(there), given["guests"]):
            self.ask("POST", "/compute/v2.1/servers", 202, {"server": {**server, "name": f"bench-{number}"}})
        end = time.monotonic() + 300
        states = {""}
        while states != {"ACTIVE"} and time.monotonic() < end:
            time.sleep(1)
            found = self.ask("GET", "/compute/v2.1/servers/detail", 200)[0]["servers"]
            states = {each["status"] for each in found}
            if "ERROR" in states:
                break
        if states != {"ACTIVE"}:
            sys.exit(f"the servers are {', '.join(sorted(states))}")

    def port(self) -> None:
        """A port made and deleted."""
        body = {"port": {"network_id": self.network, "name": "bench"}}
        made = self.ask("POST", "/network/v2.0/ports", 201, body)[0]
        self.ask("DELETE", f"/network/v2.0/ports/{made['port']['id']}", 204)


def rate(clients: list[Client], what: Callable[[Client], None], seconds: float) -> float:
    """How often per second all of them together do it."""
    done: list[float] = []
    start = threading.Barrier(len(clients) + 1)

    def one(client: Client) -> None:
        start.wait()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            what(client)
            done.append(time.monotonic())

    threads = [threading.Thread(target=one, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.monotonic()
    for thread in threads:
        thread.join()
    return len(done) / (max(done) - begun)


def measure(given: dict[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    """Every kind of request with each number of clients."""
    most = [Client(given) for _ in range(max(given["clients"]))]
    for client in most:
        client.login()
        client.find_network()
        client.servers()

    def rates(what: Callable[[Client], None]) -> dict[str, float]:
        return {str(count): round(rate(most[:count], what, given["seconds"]), 1) for count in given["clients"]}

    yield "token", rates(Client.login)
    yield "server list", rates(Client.servers)
    yield "port create+delete", rates(Client.port)
    most[0].guests()
    yield f"server list, {given['guests']} servers", rates(Client.servers)


if __name__ == "__main__":
    print(json.dumps(dict(measure(json.load(sys.stdin)))))
