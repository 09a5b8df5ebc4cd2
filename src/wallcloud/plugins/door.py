"""The public door: an administrator's token is refused wherever a tenant could come in.

Apache marks each request with the door that it came by: for uwsgi's protocol in the variable `WALLCLOUD_DOOR` (SetEnv;
headers become `HTTP_*`, so no client can name it), for HTTP backends in the header `WallcloudDoor`, which it sets anew
(without a dash in its name it has one spelling only; `X-A-B` and `X_A_B` are one to WSGI). What is not marked as the
management door is public.

- `Door` stands around Keystone. It judges *tokens*, not URLs or headers: each function that validates or issues a token
  is wrapped by `Door.watched`, so every way in or out (headers, bodies, rescoping, trusts, application credentials,
  EC2, OAuth2, federation) meets the same judgement, however the request is spelled. See `identity.py`.
- `filter_factory` is for the other services' paste pipelines: it stands after keystonemiddleware's authtoken and reads
  what authtoken found out.

An unscoped token carries no role, so it passes: no policy gives it anything but its own user's data.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOG = logging.getLogger("wallcloud.door")

DOOR_MARKS = ("WALLCLOUD_DOOR", "HTTP_WALLCLOUDDOOR")
MANAGEMENT = "management"
REFUSED_ROLES = ("admin", "service")
# Headers of the refused answer that say nothing about its content and that operators search logs for.
_KEPT_HEADERS = frozenset({"vary", "x-openstack-request-id", "x-compute-request-id"})
# Whence authtoken takes tokens (keystonemiddleware.auth_token._request).
_TOKEN_VARIABLES = ("HTTP_X_AUTH_TOKEN", "HTTP_X_STORAGE_TOKEN", "HTTP_X_SERVICE_TOKEN")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """What a token lets its holder do, as far as the door cares."""

    roles: tuple[str, ...] = ()
    system: bool = False
    admin_project: bool = False


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Which tokens are refused, and the address (a name, no number) that administrators shall use instead."""

    roles: frozenset[str]
    admin_url: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Rules:
        """From `roles` (comma separated) and `admin_url`; no roles at all would be an open door: a ValueError."""
        text = settings.get("roles", ",".join(REFUSED_ROLES))
        # oslo.policy compares roles without regard to case, so "Admin" is as mighty as "admin".
        roles = frozenset(name.strip().casefold() for name in text.split(",") if name.strip())
        if not roles:
            raise ValueError("wallcloud door: no refused roles are configured")
        return cls(roles=roles, admin_url=settings.get("admin_url", ""))

    def objection(self, bearer: Bearer) -> str | None:
        """Why this token may not pass the public door, or None."""
        for role in bearer.roles:
            if role.strip().casefold() in self.roles:
                return f"the token carries the role '{role.strip()}'"
        if bearer.system:
            return "the token is scoped to the system"
        if bearer.admin_project:
            return "the token is scoped to the administrators' project"
        return None

    def message(self, objection: str) -> str:
        """What the refused client reads."""
        where = f" at {self.admin_url}" if self.admin_url else ""
        return (
            f"Refused at the public door: {objection}. "
            f"Administrators use the management endpoint{where}, from the management network or an admin prefix."
        )


def is_public(environ: WSGIEnvironment) -> bool:
    """Whether tenants come in by this door: everything but what Apache marked as management, and only as that."""
    return {environ[mark] for mark in DOOR_MARKS if mark in environ} != {MANAGEMENT}


class RefusedError(Exception):
    """Raised into the wrapped application where it has no better exception of its own."""


@dataclass
class _Visit:
    public: bool = True
    objection: str | None = None


class Door:
    """WSGI middleware around an application whose token functions are `watched`.

    A refused token raises inside the application, which ends the work; and whatever the application then answers is
    replaced by the door's own 403, so an application that swallows or dresses up the exception gives nothing away.
    """

    def __init__(self, app: WSGIApplication, rules: Rules, error: Callable[[str], Exception] = RefusedError) -> None:
        self._app = app
        self._rules = rules
        self._error = error
        self._here = threading.local()

    def _visit(self) -> _Visit:
        # Outside of a request (a body produced late, a thread of the application's own) the answer is the strict one.
        visit: _Visit | None = getattr(self._here, "visit", None)
        return visit or _Visit()

    def watched(self, function: Callable[P, T], bearer: Callable[[T], Bearer]) -> Callable[P, T]:
        """`function`, which validates or issues a token, refusing at the public door what `Rules` refuse."""

        @wraps(function)
        def judge(*args: P.args, **kwargs: P.kwargs) -> T:
            token = function(*args, **kwargs)
            visit = self._visit()
            if visit.public and (objection := self._rules.objection(bearer(token))):
                visit.objection = objection
                raise self._error(self._rules.message(objection))
            return token

        return judge

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        visit = _Visit(public=is_public(environ))
        held: list[tuple[str, list[tuple[str, str]], OptExcInfo | None]] = []
        early: list[bytes] = []
        judged = False

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            if judged:
                return start_response(status, headers, exc_info)
            # The headers of an answer may hold the token: nothing goes out before the application is done.
            held[:] = [(status, headers, exc_info)]
            return early.append

        self._here.visit = visit
        try:
            body = self._app(environ, start)
        finally:
            self._here.visit = None
        if visit.objection is not None:
            close: Callable[[], object] | None = getattr(body, "close", None)
            if close is not None:
                close()
            return _refuse(environ, start_response, self._rules, visit.objection, held[0][1] if held else ())
        judged = True
        for status, headers, exc_info in held:
            write = start_response(status, headers, exc_info)
            for chunk in early:
                write(chunk)
        return body


class Checkpoint:
    """WSGI middleware that stands after authtoken and judges by what authtoken left in the environment."""

    def __init__(self, app: WSGIApplication, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not is_public(environ):
            return self._app(environ, start_response)
        if "keystone.token_auth" not in environ and any(name in environ for name in _TOKEN_VARIABLES):
            # A pipeline in the wrong order would let forged X-Roles decide: better no service than that.
            message = "The door must stand after authtoken in this pipeline."
            LOG.error(message)
            return _answer(environ, start_response, "500 Internal Server Error", message)
        # X-Is-Admin-Project tells nothing here: authtoken says True for every token of a cloud without such a project.
        bearer = Bearer(
            roles=(*_names(environ, "HTTP_X_ROLES"), *_names(environ, "HTTP_X_SERVICE_ROLES")),
            system=bool(environ.get("HTTP_OPENSTACK_SYSTEM_SCOPE")),
        )
        objection = self._rules.objection(bearer)
        if objection is not None:
            return _refuse(environ, start_response, self._rules, objection)
        return self._app(environ, start_response)


def filter_factory(_global_conf: Mapping[str, str], **settings: str) -> Callable[[WSGIApplication], Checkpoint]:
    """Paste's `paste.filter_factory`; settings as in `Rules.of`."""
    rules = Rules.of(settings)
    return lambda app: Checkpoint(app, rules)


def _names(environ: WSGIEnvironment, variable: str) -> tuple[str, ...]:
    return tuple(name for name in str(environ.get(variable, "")).split(",") if name.strip())


def _refuse(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    rules: Rules,
    objection: str,
    headers: Iterable[tuple[str, str]] = (),
) -> list[bytes]:
    # The path may hold anything that a client sent: %r keeps a log line one line.
    LOG.warning(
        "refused at the public door: %s; %s %r from %s",
        objection,
        environ.get("REQUEST_METHOD"),
        environ.get("PATH_INFO"),
        environ.get("REMOTE_ADDR"),
    )
    kept = [(name, value) for name, value in headers if name.lower() in _KEPT_HEADERS]
    return _answer(environ, start_response, "403 Forbidden", rules.message(objection), kept)


def _answer(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    status: str,
    message: str,
    headers: Iterable[tuple[str, str]] = (),
) -> list[bytes]:
    """Keystone's form of an error (keystoneauth and openstacksdk understand it from every service)."""
    code, title = status.split(" ", 1)
    body = json.dumps({"error": {"code": int(code), "title": title, "message": message}}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers])
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]
