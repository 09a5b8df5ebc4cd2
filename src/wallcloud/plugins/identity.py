"""Keystone behind the door, for uwsgi: `module = wallcloud_plugins.identity:make()`.

Every token that Keystone validates or issues passes `validate_token` or `issue_token` of its one token provider manager
(keystone 30: AuthContextMiddleware, the policy enforcer, the auth plugins `token` and `mapped`, SAML, /v3/auth/tokens,
EC2, S3 and OAuth2 tokens, federation).
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from .door import Bearer, Door, Rules

ROLES = "WALLCLOUD_DOOR_ROLES"
ADMIN_URL = "WALLCLOUD_DOOR_ADMIN_URL"


def bearer(token: Any) -> Bearer:
    """What a `keystone.models.token_model.TokenModel` lets its holder do; its roles include implied and inherited."""
    return Bearer(
        roles=tuple(role["name"] for role in token.roles),
        system=bool(token.system_scoped),
        admin_project=_in_admin_project(token),
    )


def _in_admin_project(token: Any) -> bool:
    resource = importlib.import_module("keystone.conf").CONF.resource
    if not (resource.admin_project_name and resource.admin_project_domain_name and token.project_scoped):
        return False
    return bool(
        token.project["name"] == resource.admin_project_name
        and token.project_domain["name"] == resource.admin_project_domain_name
    )


def make() -> Door:
    """Keystone's own application with the watch over its token provider; anything missing fails the start, loudly."""
    _refuse_threads()
    application = importlib.import_module("keystone.wsgi.api").application
    manager = importlib.import_module("keystone.common.provider_api").ProviderAPIs.token_provider_api
    error = importlib.import_module("keystone.exception").ForbiddenNotSecurity
    settings = {"roles": os.environ.get(ROLES), "admin_url": os.environ.get(ADMIN_URL)}
    door = Door(application, Rules.of({key: text for key, text in settings.items() if text is not None}), error)
    for name in ("validate_token", "issue_token"):
        setattr(manager, name, door.watched(getattr(manager, name), bearer))
    return door


def _refuse_threads() -> None:
    # keystone 30's AuthContextMiddleware keeps the token of a request in an attribute of an object that all threads of
    # a worker share. With threads a member's request ran with a domain admin's scope in 4 of 100 tries.
    try:
        uwsgi = importlib.import_module("uwsgi")  # there is such a module inside uwsgi's processes only
    except ImportError:
        return
    if int(uwsgi.opt.get("threads", b"1")) != 1:
        raise RuntimeError("wallcloud door: Keystone is not safe with threads; set threads = 1 in its uwsgi.ini")
