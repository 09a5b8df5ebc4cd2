"""Asking Keystone over its HTTP API: one verified TLS connection and one token for a whole session.

Everything is listed whole and once (`ctx.cached`), since a list costs as much as one thing: some 10 ms with Keystone's
cache on. The token is the admin's for its project: for a system-wide one Keystone computes the roles anew at each
request (45 ms, measured). That token itself costs 0.3 s (bcrypt).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context, ResourceFailed
from wallcloud.node.resources.api_client import AWAY, Answer, Away, Client
from wallcloud.node.secret import Secret
from wallcloud.node.spec import Record

__all__ = ["Away", "IdentityAccess", "Missing", "Refused", "Session", "login", "login_key", "session", "session_key"]


@frozen(kw_only=True)
class IdentityAccess(Record):
    """How to reach Keystone as its admin. `url` ends in /v3; `ca` is a file; `database` is where Keystone on this node
    keeps its password hashes (only to spare asking about passwords that did not change)."""

    url: str
    ca: str
    password: Secret
    admin: str = "admin"
    project: str = "admin"
    database: str = "keystone"


class Refused(Exception):
    """Keystone does not know these credentials."""


@dataclass
class Session:
    """A connection and a token."""

    access: IdentityAccess
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    project: str = ""
    """The id of the admin's project, once there is a token."""

    def __post_init__(self) -> None:
        self.client = Client(self.access.url, self.access.ca)

    def login(self) -> None:
        """Gets the admin's token. Raises Away or Refused."""
        where = {"project": {"name": self.access.project, "domain": {"id": "default"}}}
        admin = {"name": self.access.admin, "domain": {"id": "default"}}
        self.token, self.project = self._authenticate(admin, self.secret, where)

    def authenticate(self, user: Mapping[str, Any], password: str, scope: Mapping[str, Any]) -> str:
        """A token of `user` ({"id"} or {"name", "domain"}) for `scope` ({"unscoped": {}}). Raises Away or Refused."""
        return self._authenticate(user, password, scope)[0]

    def _authenticate(self, user: Mapping[str, Any], password: str, scope: Mapping[str, Any]) -> tuple[str, str]:
        """The token, and the id of the project that it is for."""
        methods = {"methods": ["password"], "password": {"user": {**user, "password": password}}}
        answer = self._send("POST", "/auth/tokens?nocatalog", {"auth": {"identity": methods, "scope": scope}}, "")
        if answer.status == 401:
            raise Refused
        if answer.status >= 500:
            raise Away(f"Keystone answered {answer.status}")
        token = answer.headers.get("x-subject-token", "")
        if answer.status != 201 or not token:
            raise self._failed("POST", "/auth/tokens", answer)
        return token, answer.body["token"].get("project", {}).get("id", "")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """One request as the admin. Raises ResourceFailed in Keystone's own words, or Away."""
        answer = self._send(method, path, body, self.token)
        if answer.status == 401:  # a bootstrap or a change of password revokes tokens
            answer = self._send_anew(method, path, body, answer)
        if answer.status == 401:
            # Whole seconds are all that Keystone knows (models/revoke_model.py): a token of the second in which tokens
            # were revoked is none, even where it came later.
            time.sleep(1.0 - time.time() % 1.0)
            answer = self._send_anew(method, path, body, answer)
        if answer.status >= 400 and not (method == "DELETE" and answer.status == 404):
            raise self._failed(method, path, answer)
        return answer.body

    def _send_anew(self, method: str, path: str, body: Mapping[str, Any] | None, refused: Answer) -> Answer:
        """Sends it with a new token."""
        try:
            self.login()
        except Refused:
            raise self._failed(method, path, refused) from None
        return self._send(method, path, body, self.token)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, token: str) -> Answer:
        answer = self.client.send(method, self.access.url + path, body, token=token)
        if answer.status in AWAY and "error" not in answer.body:
            raise Away(f"status {answer.status}")
        return answer

    def _failed(self, method: str, path: str, answer: Answer) -> ResourceFailed:
        error = answer.body.get("error")
        words = str(error.get("message", "")) if isinstance(error, dict) else ""
        return ResourceFailed(
            f"Keystone answered {answer.status}",
            tried=f"{method} {self.access.url}{path.partition('?')[0]}",
            output=(words,) if words else (),
            hint="journalctl -u wallcloud-keystone on the node says more" if answer.status >= 500 else "",
        )


@frozen
class Missing:
    """Why there is no session: Keystone is away, or it refused the admin."""

    refused: bool
    why: str


def login(ctx: Context, access: IdentityAccess) -> Session | Missing:
    """The admin's session, or why there is none. Failures are forgotten with the next apply."""
    return ctx.cached(login_key(access), lambda: _login(ctx, access))


def login_key(access: IdentityAccess) -> str:
    """Under what `ctx.cached` keeps whether there is a session."""
    return f"identity login {access.url}"


def _login(ctx: Context, access: IdentityAccess) -> Session | Missing:
    def make() -> Session:
        session = Session(access, ctx.secret(access.password.name))
        session.login()
        return session

    try:
        return ctx.kept(session_key(access), make)
    except Away as away:
        return Missing(False, str(away))
    except Refused:
        return Missing(True, "")


def session_key(access: IdentityAccess) -> str:
    """Under what `ctx.kept` keeps the session: forget it where the admin's password changes."""
    return f"identity session {access.url} {access.admin}"


def session(ctx: Context, access: IdentityAccess) -> Session:
    """The admin's session, for apply. Raises ResourceFailed where there is none."""
    found = login(ctx, access)
    if isinstance(found, Session):
        return found
    if found.refused:
        raise ResourceFailed(
            f"Keystone does not take the password of {access.admin}",
            tried=access.url,
            hint="an IdentityBootstrap must come first",
        )
    raise ResourceFailed(
        "Keystone does not answer",
        tried=access.url,
        output=(found.why,) if found.why else (),
        hint="journalctl -u wallcloud-keystone on the node says why",
    )
