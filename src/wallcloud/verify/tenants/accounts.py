"""The two tenants themselves: made at the admins' door with passwords of this run, and taken away at its end.

Their names are fixed, so what an interrupted run left is found by name: the next one makes the user anew
and removes everything as that user.
"""

from __future__ import annotations

import secrets
from typing import Any

from wallcloud.verify.hands import Trouble
from wallcloud.verify.tenants.client import Client

_ROLE = "member"


def password() -> str:
    """256 bits, for one run."""
    return secrets.token_hex(32)


def greet(admin: Client) -> None:
    """Has Neutron make the default security groups of the projects that stay: it does so when they first ask."""
    for project in admin.want("GET", "identity", "projects?domain_id=default")["projects"]:
        admin.want("GET", "network", f"security-groups?project_id={project['id']}")


def left(admin: Client, name: str) -> bool:
    """Whether an earlier run left this tenant's project."""
    return _find(admin, "projects", name) is not None


def make(admin: Client, name: str, word: str) -> str:
    """Project, user and role; what is there is taken over. Returns the project's id. Raises Trouble."""
    project = _find(admin, "projects", name)
    if project is None:
        body = {"project": {"name": name, "domain_id": "default", "description": "made by wallcloud verify"}}
        project = admin.want("POST", "identity", "projects", body)["project"]
    _forget(admin, name)
    body = {"user": {"name": name, "domain_id": "default", "password": word}}
    user = admin.want("POST", "identity", "users", body)["user"]
    role = _find(admin, "roles", _ROLE)
    if role is None:
        raise Trouble(f"there is no role {_ROLE}")
    admin.want("PUT", "identity", f"projects/{project['id']}/users/{user['id']}/roles/{role['id']}")
    return str(project["id"])


def limit(admin: Client, project: str, compute: dict[str, int], network: dict[str, int]) -> None:
    """Sets quotas of a project."""
    admin.want("PUT", "compute", f"os-quota-sets/{project}", {"quota_set": {**compute, "force": True}})
    admin.want("PUT", "network", f"quotas/{project}", {"quota": network})


def remove(admin: Client, name: str) -> None:
    """What only admins can take away: the default security group, the quotas, user and project. Raises Trouble."""
    project = _find(admin, "projects", name)
    if project is not None:
        admin.gone("compute", f"os-quota-sets/{project['id']}")
        admin.gone("network", f"quotas/{project['id']}")
        groups = admin.want("GET", "network", f"security-groups?project_id={project['id']}")["security_groups"]
        for group in groups:
            admin.gone("network", f"security-groups/{group['id']}")
    _forget(admin, name)
    if project is not None:
        admin.gone("identity", f"projects/{project['id']}")


def _forget(admin: Client, name: str) -> None:
    """Removes the user with its keypairs, which belong to it and to no project.

    A new password for the same user would not do: Keystone then refuses every token of that second, the next one too.
    """
    user = _find(admin, "users", name)
    if user is not None:
        who = f"user_id={user['id']}"
        for pair in admin.want("GET", "compute", f"os-keypairs?{who}")["keypairs"]:
            admin.gone("compute", f"os-keypairs/{pair['keypair']['name']}?{who}")
        admin.gone("identity", f"users/{user['id']}")


def _find(admin: Client, kind: str, name: str) -> Any:
    where = "" if kind == "roles" else "&domain_id=default"
    found = admin.want("GET", "identity", f"{kind}?name={name}{where}")[kind]
    return found[0] if found else None
