"""A user of the cloud at one door: tokens, the catalog's URLs, requests, and what its answers give away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from wallcloud.frozen import frozen
from wallcloud.verify.hands import Hands, Trouble

T = TypeVar("T")
_MICROVERSION = "compute 2.96"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
interrupted = threading.Event()
"""Set when the user has had enough: nothing is waited for any more, until it is cleared again."""
_TYPES = ("identity", "image", "network", "compute")


@frozen
class DoorAt:
    """A door of the cloud. `interface` is what the catalog calls its URLs."""

    place: str
    address: str
    port: int
    name: str
    ca: str
    interface: str


@frozen
class Answer:
    """One answer of an API; `body` is what its JSON says, or its text."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """What an error says, in a line."""
        said = self.body
        while isinstance(said, dict) and said:
            said = said.get("message") or said.get("detail") or next(iter(said.values()))
        return " ".join(str(said).split())[:200]


class Client:
    """Asks as one user in one project. Every answer is searched for `forbidden` texts; what is found is in `leaks`."""

    def __init__(self, hands: Hands, door: DoorAt, forbidden: tuple[str, ...] = ()) -> None:
        self.hands = hands
        self.door = door
        self.project = ""
        self.user = ""
        self.urls: dict[str, str] = {}
        self.leaks: list[str] = []
        self.answers = 0
        self._forbidden = forbidden
        self._token = ""

    def login(self, user: str, password: str, project: str) -> None:
        """Gets a token. Raises Trouble where there is none."""
        self._token = ""  # one that is no longer good would be judged first
        domain = {"id": "default"}
        who = {"user": {"name": user, "domain": domain, "password": password}}
        scope = {"project": {"name": project, "domain": domain}}
        body = {"auth": {"identity": {"methods": ["password"], "password": who}, "scope": scope}}
        answer = self._ask("POST", "/identity/v3/auth/tokens", body)
        if answer.status != 201:
            raise Trouble(f"no token: status {answer.status}: {answer.message}", where=self.door.place)
        token = answer.body["token"]
        self._token = next(value for name, value in answer.headers.items() if name.lower() == "x-subject-token")
        self.project, self.user = token["project"]["id"], token["user"]["id"]
        self.urls = {
            service["type"]: endpoint["url"]
            for service in token["catalog"]
            for endpoint in service["endpoints"]
            if endpoint["interface"] == self.door.interface
        }

    @property
    def token(self) -> str:
        """What it asks with; never for a report."""
        return self._token

    def request(self, method: str, service: str, path: str, body: Any = None) -> Answer:
        """One request to a service by its catalog type, at the URL that the catalog gives. Raises Trouble where the
        catalog has none, or one that is not at this door."""
        url = urlsplit(self.urls.get(service, ""))
        if url.hostname != self.door.name:
            raise Trouble(f"the catalog has no {service} at {self.door.name}: {url.geturl() or 'none'}")
        prefix = url.path.rstrip("/")
        if service == "network" and not prefix.endswith("/v2.0"):
            prefix += "/v2.0"
        if service == "image" and not prefix.endswith("/v2"):
            prefix += "/v2"
        return self._ask(method, f"{prefix}/{path}", body)

    def at(self, method: str, path: str) -> Answer:
        """One request to a path of the door itself."""
        return self._ask(method, path, None)

    def want(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """The body of an answer that must be a good one. Raises Trouble with what the API said."""
        answer = self.request(method, service, path, body)
        if answer.status >= 400:
            raise Trouble(f"{method} {service} {path}: status {answer.status}: {answer.message}")
        return answer.body

    def gone(self, service: str, path: str) -> None:
        """Deletes; that it is not there any more is as good. Raises Trouble otherwise."""
        answer = self.request("DELETE", service, path)
        if answer.status >= 400 and answer.status != 404:
            raise Trouble(f"DELETE {service} {path}: status {answer.status}: {answer.message}")

    def _ask(self, method: str, path: str, body: Any) -> Answer:
        headers = {"OpenStack-API-Version": _MICROVERSION}
        if self._token:
            headers["X-Auth-Token"] = self._token
        told = self.hands.call(
            "api",
            address=self.door.address,
            port=self.door.port,
            name=self.door.name,
            ca=self.door.ca,
            method=method,
            path=path,
            headers=headers,
            body=body,
        )
        self._search(method, path, told)
        try:
            said = json.loads(told["body"]) if told["body"] else None
        except ValueError:
            said = told["body"]
        return Answer(told["status"], said, told["headers"])

    def _search(self, method: str, path: str, told: dict[str, Any]) -> None:
        whole = "\n".join((*(f"{name}: {value}" for name, value in told["headers"].items()), told["body"]))
        self.answers += 1
        self.leaks += [f"{method} {path} holds {text}" for text in self._forbidden if text in whole]


def until(what: str, seconds: float, found: Callable[[], T | None]) -> T:
    """What `found` gives as soon as that is something; it is asked again after short growing pauses, since these APIs
    tell tenants of no events. Raises Trouble after `seconds`."""
    began = time.monotonic()
    pause = _FIRST_PAUSE
    while True:
        value = found()
        if value is not None:
            return value
        if time.monotonic() - began + pause > seconds:
            raise Trouble(f"{what}: not in {seconds:.0f} s")
        if interrupted.wait(pause):
            raise Trouble(f"{what}: interrupted")
        pause = min(_LONGEST_PAUSE, pause * 1.5)


def catalog_types() -> tuple[str, ...]:
    """What tenants are given by the catalog."""
    return _TYPES
