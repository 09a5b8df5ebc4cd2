"""Asking Keystone over its HTTP API: one verified TLS connection and one token for a whole session.

Everything is listed whole and once (`ctx.cached`), since a list costs as much as one thing: some 10 ms with Keystone's
cache on. The token is the admin's for its project: for a system-wide one Keystone computes the roles anew at each
request (45 ms, measured). That token itself costs 0.3 s (bcrypt).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wallcloud.node.resource import Context, ResourceFailed
from wallcloud.node.secret import Secret
from wallcloud.node.spec import Record

if TYPE_CHECKING:  # ssl and http.client take 30 ms to import: only on the node that asks Keystone
    from http.client import HTTPSConnection

SECONDS = 60
AWAY = {404, 502, 503, 504}
"""What a front end answers while Keystone is not behind it (its own 404 carries JSON)."""


@dataclass(frozen=True, kw_only=True)
class IdentityAccess(Record):
    """How to reach Keystone as its admin. `url` ends in /v3; `ca` is a file; `database` is where Keystone on this node
    keeps its password hashes (only to spare asking about passwords that did not change)."""

    url: str
    ca: str
    password: Secret
    admin: str = "admin"
    project: str = "admin"
    database: str = "keystone"


class Away(Exception):
    """Nothing answers there, or nothing that is Keystone, or a Keystone that is broken; the text says which."""


class Refused(Exception):
    """Keystone does not know these credentials."""


@dataclass(frozen=True)
class Answer:
    """Status, the token in the header and the decoded body ({} where it is no JSON object)."""

    status: int
    token: str
    body: Mapping[str, Any]


@dataclass
class Session:
    """A connection and a token."""

    access: IdentityAccess
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    _connection: "HTTPSConnection | None" = None

    def login(self) -> None:
        """Gets the admin's token. Raises Away or Refused."""
        where = {"project": {"name": self.access.project, "domain": {"id": "default"}}}
        self.token = self.authenticate({"name": self.access.admin, "domain": {"id": "default"}}, self.secret, where)

    def authenticate(self, user: Mapping[str, Any], password: str, scope: Mapping[str, Any]) -> str:
        """A token of `user` ({"id"} or {"name", "domain"}) for `scope` ({"unscoped": {}}). Raises Away or Refused."""
        methods = {"methods": ["password"], "password": {"user": {**user, "password": password}}}
        answer = self._send("POST", "/auth/tokens?nocatalog", {"auth": {"identity": methods, "scope": scope}}, "")
        if answer.status == 401:
            raise Refused
        if answer.status >= 500:
            raise Away(f"Keystone answered {answer.status}")
        if answer.status != 201 or not answer.token:
            raise self._failed("POST", "/auth/tokens", answer)
        return answer.token

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """One request as the admin. Raises ResourceFailed in Keystone's own words, or Away."""
        answer = self._send(method, path, body, self.token)
        if answer.status == 401:  # a bootstrap or a change of password revokes tokens
            try:
                self.login()
            except Refused:
                raise self._failed(method, path, answer) from None
            answer = self._send(method, path, body, self.token)
        if answer.status >= 400 and not (method == "DELETE" and answer.status == 404):
            raise self._failed(method, path, answer)
        return answer.body

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, token: str) -> Answer:
        from http.client import HTTPException  # noqa: PLC0415
        from ssl import SSLCertVerificationError  # noqa: PLC0415

        for fresh in (self._connection is None, True):
            try:
                answer = self._exchange(method, path, body, token)
                break
            except (HTTPException, ConnectionError) as error:
                self._connection = None  # a kept connection that the server closed meanwhile: once more on a new one
                if fresh:
                    raise Away(str(error)) from error
            except SSLCertVerificationError as error:
                raise ResourceFailed(
                    f"{urlsplit(self.access.url).hostname} shows a certificate that the site's CA does not vouch for",
                    tried=f"{method} {self.access.url}{path.partition('?')[0]}",
                    output=(error.verify_message,),
                    hint=f"the CA is in {self.access.ca}",
                ) from error
            except OSError as error:  # no CA file, no such name, no route, too slow
                raise Away(str(error)) from error
        if answer.status in AWAY and "error" not in answer.body:
            raise Away(f"status {answer.status}")
        return answer

    def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None, token: str) -> Answer:
        from http.client import HTTPSConnection  # noqa: PLC0415
        from ssl import create_default_context  # noqa: PLC0415

        parts = urlsplit(self.access.url)
        if self._connection is None:
            trust = create_default_context(cafile=self.access.ca)
            self._connection = HTTPSConnection(parts.hostname or "", parts.port or 443, timeout=SECONDS, context=trust)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if token:
            headers["X-Auth-Token"] = token
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, parts.path + path, data, headers)
        with self._connection.getresponse() as response:
            text = response.read()
        try:
            decoded = json.loads(text)
        except ValueError:
            decoded = {}
        return Answer(
            response.status, response.getheader("X-Subject-Token") or "", decoded if isinstance(decoded, dict) else {}
        )

    def _failed(self, method: str, path: str, answer: Answer) -> ResourceFailed:
        error = answer.body.get("error")
        words = str(error.get("message", "")) if isinstance(error, dict) else ""
        return ResourceFailed(
            f"Keystone answered {answer.status}",
            tried=f"{method} {self.access.url}{path.partition('?')[0]}",
            output=(words,) if words else (),
            hint="journalctl -u wallcloud-keystone on the node says more" if answer.status >= 500 else "",
        )


@dataclass(frozen=True)
class Missing:
    """Why there is no session: Keystone is away, or it refused the admin."""

    refused: bool
    why: str


def login(ctx: Context, access: IdentityAccess) -> Session | Missing:
    """The admin's session, or why there is none. Failures are forgotten with the next apply."""
    return ctx.cached(f"identity login {access.url}", lambda: _login(ctx, access))


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
