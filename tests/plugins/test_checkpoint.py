"""The door of the services behind authtoken."""

import json
from typing import Any

import pytest
from tests.plugins.answer import Answer, request

from wallcloud.plugins.door import Checkpoint, filter_factory


def behind(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"fine"]


CHECKED = {"keystone.token_auth": "seen", "HTTP_X_AUTH_TOKEN": "t"}


def checkpoint() -> Checkpoint:
    return filter_factory({}, roles="admin", admin_url="https://control.internal.cloud.example/compute")(behind)


@pytest.mark.parametrize(
    "found",
    [
        {"HTTP_X_ROLES": "reader,admin"},
        {"HTTP_X_ROLES": "reader, Admin "},
        {"HTTP_X_ROLES": "member", "HTTP_X_SERVICE_ROLES": "admin"},
        {"HTTP_X_ROLES": "reader", "HTTP_OPENSTACK_SYSTEM_SCOPE": "all"},
    ],
)
def test_checkpoint_refuses_what_authtoken_found(found: dict[str, str]) -> None:
    answer = Answer(checkpoint(), request(**CHECKED, **found))
    assert answer.status == "403 Forbidden"
    assert "https://control.internal.cloud.example/compute" in json.loads(answer.text)["error"]["message"]
    assert Answer(checkpoint(), request("management", **CHECKED, **found)).text == b"fine"


@pytest.mark.parametrize(
    "found",
    [
        CHECKED | {"HTTP_X_ROLES": "member,reader", "HTTP_X_IS_ADMIN_PROJECT": "True"},
        CHECKED | {"HTTP_X_ROLES": ""},
        CHECKED | {"HTTP_X_ROLES": "administrators", "HTTP_OPENSTACK_SYSTEM_SCOPE": ""},
        {},
    ],
)
def test_checkpoint_lets_tenants_pass(found: dict[str, str]) -> None:
    assert Answer(checkpoint(), request(**found)).text == b"fine"


@pytest.mark.parametrize("header", ["HTTP_X_AUTH_TOKEN", "HTTP_X_STORAGE_TOKEN", "HTTP_X_SERVICE_TOKEN"])
def test_checkpoint_before_authtoken_serves_nobody(header: str) -> None:
    answer = Answer(checkpoint(), request(**{header: "t", "HTTP_X_ROLES": "member"}))
    assert answer.status == "500 Internal Server Error"
    assert b"after authtoken" in answer.text
