"""The public door, with plain WSGI applications in the place of OpenStack."""

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from tests.plugins.answer import Answer, request

from wallcloud.plugins.door import Bearer, Door, RefusedError, Rules, is_public

RULES = Rules.of({"roles": "admin, Service", "admin_url": "https://control.internal.cloud.example/identity"})
TOKENS = {
    "member": Bearer(roles=("member", "reader")),
    "unscoped": Bearer(),
    "admin": Bearer(roles=("reader", "admin")),
    "Admin": Bearer(roles=("ADMIN ",)),
    "service": Bearer(roles=("service",)),
    "system": Bearer(roles=("reader",), system=True),
    "project": Bearer(roles=("reader",), admin_project=True),
    "lookalike": Bearer(roles=("administrator", "cloud_admin")),
}
REFUSED = ("admin", "Admin", "service", "system", "project")
ADMITTED = ("member", "unscoped", "lookalike")


class Keystone:
    """Validates X-Auth-Token and lets the same token out, in a header and in the body."""

    def __init__(self) -> None:
        self.validate = TOKENS.__getitem__
        self.closed = 0
        self.work = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        name = environ["HTTP_X_AUTH_TOKEN"]
        try:
            self.validate(name)
        except RefusedError as error:
            start_response("500 Oops", [("X-Subject-Token", name), ("X-Openstack-Request-Id", "req-1")])
            return self._body(str(error).encode())
        self.work += 1
        start_response("200 OK", [("X-Subject-Token", name)])
        return self._body(name.encode())

    def _body(self, text: bytes) -> Iterable[bytes]:
        keystone = self

        class Body:
            def __iter__(self) -> Iterator[bytes]:
                return iter([text])

            def close(self) -> None:
                keystone.closed += 1

        return Body()


def keystone() -> tuple[Keystone, Door]:
    inner = Keystone()
    door = Door(inner, RULES)
    inner.validate = door.watched(inner.validate, lambda bearer: bearer)
    return inner, door


@pytest.mark.parametrize("token", REFUSED)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE", "PATCH"])
def test_a_mighty_token_is_refused_at_the_public_door(token: str, method: str) -> None:
    inner, door = keystone()
    answer = Answer(door, request(method=method, HTTP_X_AUTH_TOKEN=token))
    assert answer.status == "403 Forbidden"
    assert "X-Subject-Token" not in answer.headers
    assert answer.headers["Content-Type"] == "application/json"
    assert (inner.work, inner.closed) == (0, 1)
    if method == "HEAD":
        assert answer.text == b""
        assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("token", [*REFUSED, *ADMITTED])
def test_every_token_passes_the_management_door(token: str) -> None:
    inner, door = keystone()
    answer = Answer(door, request("management", HTTP_X_AUTH_TOKEN=token))
    assert (answer.status, answer.text, inner.closed) == ("200 OK", token.encode(), 1)


@pytest.mark.parametrize("token", ADMITTED)
def test_tenants_pass_the_public_door(token: str) -> None:
    _inner, door = keystone()
    assert Answer(door, request(HTTP_X_AUTH_TOKEN=token)).status == "200 OK"


def test_the_refusal_says_what_happened_and_where_to_go() -> None:
    _inner, door = keystone()
    answer = Answer(door, request(HTTP_X_AUTH_TOKEN="admin"))
    assert json.loads(answer.text) == {
        "error": {
            "code": 403,
            "title": "Forbidden",
            "message": (
                "Refused at the public door: the token carries the role 'admin'. Administrators use the management "
                "endpoint at https://control.internal.cloud.example/identity, from the management network or an "
                "admin prefix."
            ),
        }
    }
    assert answer.headers["X-Openstack-Request-Id"] == "req-1"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("system", "the token is scoped to the system"),
        ("project", "the token is scoped to the administrators' project"),
        ("Admin", "the token carries the role 'ADMIN'"),
        ("member", None),
        ("unscoped", None),
    ],
)
def test_objections(token: str, why: str | None) -> None:
    assert RULES.objection(TOKENS[token]) == why


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WALLCLOUD_DOOR": ""},
        {"WALLCLOUD_DOOR": "public"},
        {"WALLCLOUD_DOOR": "Management"},
        {"WALLCLOUD_DOOR": "management,public"},
        {"WALLCLOUD_DOOR": "public", "HTTP_WALLCLOUDDOOR": "management"},
        {"WALLCLOUD_DOOR": "management", "HTTP_WALLCLOUDDOOR": "public"},
        {"HTTP_WALLCLOUDDOOR": "public"},
        # what a client's headers become, however they are spelled
        {"WALLCLOUD_DOOR": "public", "HTTP_WALLCLOUD_DOOR": "management", "HTTP_X_WALLCLOUD_DOOR": "management"},
        {"HTTP_WALLCLOUD_DOOR": "management"},
    ],
)
def test_what_is_not_marked_as_management_is_public(environ: dict[str, str]) -> None:
    assert is_public(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {"WALLCLOUD_DOOR": "management"},
        {"HTTP_WALLCLOUDDOOR": "management"},
        {"WALLCLOUD_DOOR": "management", "HTTP_WALLCLOUDDOOR": "management"},
    ],
)
def test_the_management_door(environ: dict[str, str]) -> None:
    assert not is_public(environ)


@pytest.mark.parametrize(
    "path", ["//v3/users", "/v3//users", "/v3/users;x", "/v3/../v3/users", "https://x/v3", "/", ""]
)
@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
def test_the_spelling_of_a_request_does_not_matter(path: str, protocol: str) -> None:
    _inner, door = keystone()
    environ = request(HTTP_X_AUTH_TOKEN="admin", SERVER_PROTOCOL=protocol, HTTP_TRANSFER_ENCODING="chunked")
    assert Answer(door, {**environ, "PATH_INFO": path}).status == "403 Forbidden"


def test_a_token_issued_after_the_headers_were_started_does_not_get_out() -> None:
    door: Door

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        write = start_response("201 Created", [("X-Subject-Token", "admin")])
        write(b"admin")
        with contextlib.suppress(RefusedError):  # an application that swallows the refusal
            issue("admin")
        return [b"admin"]

    door = Door(app, RULES)
    issue = door.watched(TOKENS.__getitem__, lambda bearer: bearer)
    answer = Answer(door, request())
    assert answer.status == "403 Forbidden"
    assert b'admin"' not in answer.text
    assert "X-Subject-Token" not in answer.headers


def test_a_token_validated_while_the_body_streams_is_judged_strictly() -> None:
    def app(_environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"head"
        validate("admin")
        yield b"secret"

    door = Door(app, RULES)
    validate = door.watched(TOKENS.__getitem__, lambda bearer: bearer)
    body = iter(door(request("management"), lambda *_: lambda _data: None))
    assert next(body) == b"head"
    with pytest.raises(RefusedError):
        next(body)


def test_answers_stream_and_early_writes_keep_their_order() -> None:
    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])(b"first ")
        return [b"second"]

    assert Answer(Door(app, RULES), request()).text == b"first second"


def test_the_application_gets_its_own_kind_of_error() -> None:
    class Forbidden(Exception):
        pass

    door = Door(lambda _environ, _start: [], RULES, Forbidden)
    with pytest.raises(Forbidden, match="public door"):
        door.watched(TOKENS.__getitem__, lambda bearer: bearer)("admin")


def test_requests_of_other_threads_do_not_open_the_door() -> None:
    """A tenant's request is judged while a request from the management door is under way in another thread."""
    inner, door = keystone()
    inside, judge = threading.Event(), threading.Event()
    honest = inner.validate
    answers: list[Answer] = []
    public = request(HTTP_X_AUTH_TOKEN="admin")
    tenant = threading.Thread(target=lambda: answers.append(Answer(door, public)))

    def meet(name: str) -> Bearer:
        if threading.current_thread() is tenant:
            inside.set()
            assert judge.wait(10)
        else:
            judge.set()
            tenant.join(10)
        return honest(name)

    inner.validate = meet
    tenant.start()
    assert inside.wait(10)
    assert Answer(door, request("management", HTTP_X_AUTH_TOKEN="admin")).status == "200 OK"
    assert [answer.status for answer in answers] == ["403 Forbidden"]


def test_no_refused_roles_is_no_door() -> None:
    with pytest.raises(ValueError, match="no refused roles"):
        Rules.of({"roles": " , "})
    assert Rules.of({}).roles == {"admin", "service"}
