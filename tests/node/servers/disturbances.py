"""What a hand can do to MariaDB, RabbitMQ and Keystone behind Wallcloud's back, one act for each property of each kind.

TABLE maps (kind, property) to a function that changes it on a real node by other means than Wallcloud's own: SQL,
rabbitmqctl, Keystone's API. The place is anything that runs a shell script as root on that node (a test's machine, a
node of the lab); the resource is one of that kind that is in order; `secrets` are the session's.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from tests.node.servers import cells

from wallcloud.node.resource import Resource
from wallcloud.node.resources.identity import IdentityBootstrap, IdentityRole
from wallcloud.node.resources.identity_accounts import (
    GoneIdentityUsers,
    IdentityAssignment,
    IdentityProject,
    IdentityUser,
)
from wallcloud.node.resources.identity_catalog import ExclusiveIdentityCatalog, IdentityEndpoint, IdentityService
from wallcloud.node.resources.identity_client import IdentityAccess
from wallcloud.node.resources.key_rotation import KeyRotation
from wallcloud.node.resources.mariadb import Database, DatabaseAccount
from wallcloud.node.resources.mariadb_client import account as account_name
from wallcloud.node.resources.mariadb_client import identifier
from wallcloud.node.resources.rabbitmq import BusAccount, BusVhost
from wallcloud.node.resources.schema import Schema
from wallcloud.node.resources.task import Task

Secrets = Mapping[str, str]


class Place(Protocol):
    """A node: runs shell scripts as root; fails the test where one fails and `check`."""

    def run(self, script: str, *, check: bool = True) -> str: ...


Disturbance = Callable[[Place, Resource, Secrets], None]
HASH = "*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29"


def sql(place: Place, *statements: str) -> None:
    """As a person would: the client on the node, root over the socket."""
    place.run("mariadb <<'SQL'\n" + ";\n".join(statements) + ";\nSQL")


def rabbitmqctl(place: Place, *arguments: str) -> None:
    home = "/var/lib/wallcloud-rabbitmq"
    become = "setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups"
    line = f"HOME={home} {become} /usr/lib/rabbitmq/bin/rabbitmqctl -q -n rabbit@localhost"
    place.run(f"cd / && {line} {shlex.join(arguments)}")


def database(change: str) -> Disturbance:
    def act(place: Place, resource: Resource, secrets: Secrets) -> None:
        sql(place, f"ALTER DATABASE {identifier(cast(Database, resource).database)} {change}")

    return act


def account(statement: str) -> Disturbance:
    """`statement` with the account in the place of {}."""

    def act(place: Place, resource: Resource, secrets: Secrets) -> None:
        wanted = cast(DatabaseAccount, resource)
        sql(place, statement.replace("{}", account_name(wanted.user, wanted.host)))

    return act


def statement(text: str) -> Disturbance:
    return lambda place, resource, secrets: sql(place, text)


def login(place: Place, resource: Resource, secrets: Secrets) -> None:
    """A password beside what the account logs in with."""
    other = f"unix_socket OR mysql_native_password USING '{HASH}'"
    account(f"ALTER USER {{}} IDENTIFIED VIA {other}")(place, resource, secrets)


def password(place: Place, resource: Resource, secrets: Secrets) -> None:
    """Another password; for a socket account, another account of the system that may be it."""
    via = (
        f"mysql_native_password USING '{HASH}'"
        if cast(DatabaseAccount, resource).password
        else "unix_socket USING 'daemon'"
    )
    account(f"ALTER USER {{}} IDENTIFIED VIA {via}")(place, resource, secrets)


def requires(place: Place, resource: Resource, secrets: Secrets) -> None:
    other = "NONE" if cast(DatabaseAccount, resource).subject else "X509"
    account(f"ALTER USER {{}} REQUIRE {other}")(place, resource, secrets)


def heads(place: Place, resource: Resource, secrets: Secrets) -> None:
    """The last migration undone by hand. Only where this file knows what it did."""
    undone = {
        "keystone": (
            "DROP INDEX ix_revocation_event_project_id_user_id ON revocation_event",
            "DROP INDEX ix_revocation_event_composite ON revocation_event",
            "UPDATE alembic_version SET version_num = 'e8725d6fa226' WHERE version_num = '742c857f1dfb'",
        )
    }
    name = cast(Schema, resource).database
    sql(place, f"USE {identifier(name)}", *undone[name])


def unfinished(place: Place, resource: Resource, secrets: Secrets) -> None:
    """The mark of a first sync that never ended; what it made is whole, so it is kept."""
    sql(place, f"CREATE TABLE {identifier(cast(Schema, resource).database)}.wallcloud_unfinished (since TIMESTAMP)")


def permissions(*wrong: str) -> Disturbance:
    def act(place: Place, resource: Resource, secrets: Secrets) -> None:
        wanted = cast(BusAccount, resource)
        rights = {"configure": wanted.configure, "write": wanted.write, "read": wanted.read_}
        rabbitmqctl(
            place,
            *("set_permissions", "-p", wanted.vhost, wanted.account),
            *("^hand$" if name in wrong else right for name, right in rights.items()),
        )

    return act


def on_account(verb: str, *arguments: str) -> Disturbance:
    return lambda place, resource, secrets: rabbitmqctl(place, verb, cast(BusAccount, resource).account, *arguments)


def elsewhere(place: Place, resource: Resource, secrets: Secrets) -> None:
    """The right to another vhost, which is a stranger too and goes."""
    rabbitmqctl(place, "add_vhost", "elsewhere")
    rabbitmqctl(place, "set_permissions", "-p", "elsewhere", cast(BusAccount, resource).account, ".*", ".*", ".*")


def topics(place: Place, resource: Resource, secrets: Secrets) -> None:
    wanted = cast(BusAccount, resource)
    rabbitmqctl(place, "set_topic_permissions", "-p", wanted.vhost, wanted.account, "amq.topic", "^a", "^b")


def parameters(place: Place, resource: Resource, secrets: Secrets) -> None:
    rabbitmqctl(place, "set_policy", "-p", cast(BusVhost, resource).vhost, "hand", ".*", '{"max-length": 1}')


def on_bus(*arguments: str) -> Disturbance:
    return lambda place, resource, secrets: rabbitmqctl(place, *arguments)


def task(place: Place, resource: Resource, secrets: Secrets) -> None:
    """What it made goes, with all that lies beside it. For keys, not for a task that made data (MariaDB's folder)."""
    place.run(f'find "$(dirname {shlex.quote(cast(Task, resource).creates)})" -mindepth 1 -delete')


def keys_of_yesterday(place: Place, resource: Resource, secrets: Secrets) -> None:
    place.run(f"touch -d yesterday {cast(KeyRotation, resource).folder}/0")


# --- Keystone

AS_ADMIN = """
import json, ssl, sys, urllib.request
given = json.load(sys.stdin)
url, trust = given["url"], ssl.create_default_context(cafile=given["ca"])
token = ""
def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-Auth-Token": token}
    asked = urllib.request.Request(url + path, data, headers, method=method)
    with urllib.request.urlopen(asked, context=trust, timeout=60) as answer:
        text = answer.read()
        return answer.headers, json.loads(text) if text else {}
def find(what, **wanted):
    fits = [e for e in call("GET", "/" + what)[1][what] if all(e[key] == value for key, value in wanted.items())]
    assert fits, (what, wanted)
    return fits[0]["id"]
user = {"name": given["admin"], "domain": {"id": "default"}, "password": given["password"]}
scope = {"project": {"name": given["project"], "domain": {"id": "default"}}}
body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
token = call("POST", "/auth/tokens", body)[0]["X-Subject-Token"]
"""


def keystone(place: Place, access: IdentityAccess, secrets: Secrets, *lines: str) -> None:
    """Runs lines of Python that use `call` and `find` as the admin, on the node."""
    given = {
        "url": access.url,
        "ca": access.ca,
        "admin": access.admin,
        "project": access.project,
        "password": secrets[access.password.name],
    }
    program = shlex.quote(AS_ADMIN + "\n".join(lines) + "\n")
    place.run(f"python3 -I -c {program} <<'JSON'\n{json.dumps(given)}\nJSON")


def identity(*lines: str) -> Disturbance:
    """`lines` for any Identity* resource; {name} stands for one of its fields (as Python)."""

    def act(place: Place, resource: Resource, secrets: Secrets) -> None:
        filled = [_filled(line, resource) for line in lines]
        keystone(place, cast(IdentityProject, resource).access, secrets, *filled)

    return act


def _filled(line: str, resource: Resource) -> str:
    for name, value in vars(resource).items():
        line = line.replace("{" + name + "}", repr(value))
    return line


def assignment(place: Place, resource: Resource, secrets: Secrets) -> None:
    wanted = cast(IdentityAssignment, resource)
    where = f'"/projects/" + find("projects", name={wanted.project!r})' if wanted.project else '"/system"'
    who = f'"/users/" + find("users", name={wanted.user!r}) + "/roles/" + find("roles", name={wanted.role!r})'
    keystone(place, wanted.access, secrets, f'call("DELETE", {where} + {who})')


def patch(what: str, of: str, change: str) -> Disturbance:
    """Changes a thing that has the name in the resource's field `of`."""
    one = what.removesuffix("s")
    return identity(f'call("PATCH", "/{what}/" + find("{what}", name={{{of}}}), {{"{one}": {change}}})')


def endpoint(change: str) -> Disturbance:
    place = 'find("endpoints", service_id=find("services", name={service}), interface={interface}, region_id={region})'
    return identity(f'call("PATCH", "/endpoints/" + {place}, {{"endpoint": {change}}})')


NEW_ENDPOINT = '{"endpoint": {"service_id": find("services"), "interface": "public", "url": "https://hand.example"}}'
# a role that nothing implies any more and nobody has, made mutable, then deleted
LOSE_ROLE = (
    'role = find("roles", name="manager")',
    'call("PATCH", "/roles/" + role, {"role": {"options": {"immutable": False}}})',
    'call("DELETE", "/roles/" + role)',
)
LOSE_REGION = (
    'for each in call("GET", "/endpoints")[1]["endpoints"]: call("DELETE", "/endpoints/" + each["id"])',
    'call("DELETE", "/regions/" + {region})',
)

TABLE: Mapping[tuple[str, str], Disturbance] = {
    (Database.kind, "charset"): database("CHARACTER SET latin1"),
    (Database.kind, "collation"): database("COLLATE utf8mb3_bin"),
    (DatabaseAccount.kind, "login"): login,
    (DatabaseAccount.kind, "password"): password,
    (DatabaseAccount.kind, "requires"): requires,
    (DatabaseAccount.kind, "locked"): account("ALTER USER {} ACCOUNT LOCK"),
    (DatabaseAccount.kind, "expired"): account("ALTER USER {} PASSWORD EXPIRE"),
    (DatabaseAccount.kind, "max_connections"): account("ALTER USER {} WITH MAX_USER_CONNECTIONS 77"),
    (DatabaseAccount.kind, "grants"): account("GRANT PROCESS ON *.* TO {} WITH GRANT OPTION"),
    ("exclusive-database-accounts", "strangers"): statement("CREATE USER mallory@'%'; CREATE USER ''@localhost"),
    ("exclusive-database-accounts", "roles"): statement("CREATE ROLE mallory"),
    ("exclusive-databases", "strangers"): statement("CREATE DATABASE stranger"),
    (Schema.kind, "alembic_version"): heads,
    (Schema.kind, "unfinished"): unfinished,
    (BusVhost.kind, "parameters"): parameters,
    (BusAccount.kind, "configure"): permissions("configure"),
    (BusAccount.kind, "write"): permissions("write"),
    (BusAccount.kind, "read"): permissions("read"),
    (BusAccount.kind, "elsewhere"): elsewhere,
    (BusAccount.kind, "topics"): topics,
    (BusAccount.kind, "tags"): on_account("set_user_tags", "administrator"),
    (BusAccount.kind, "limits"): on_account("set_user_limits", '{"max-connections": 1}'),
    (BusAccount.kind, "password"): on_account("change_password", "by-hand"),
    ("exclusive-bus-accounts", "strangers"): on_bus("add_user", "mallory", "by-hand"),
    ("exclusive-bus-accounts", "vhosts"): on_bus("add_vhost", "stranger"),
    (Task.kind, "done"): task,
    (IdentityBootstrap.kind, "token"): identity(
        'call("PATCH", "/users/" + find("users", name="admin"), {"user": {"password": "by-hand"}})'
    ),
    (IdentityBootstrap.kind, "roles"): identity(*LOSE_ROLE),
    (IdentityBootstrap.kind, "implied"): identity(
        'prior, implied = find("roles", name="member"), find("roles", name="reader")',
        'call("DELETE", f"/roles/{prior}/implies/{implied}")',
    ),
    (IdentityBootstrap.kind, "system"): identity(
        'call("DELETE", "/system/users/" + find("users", name="admin") + "/roles/" + find("roles", name="admin"))'
    ),
    (IdentityBootstrap.kind, "region"): identity(*LOSE_REGION),
    (IdentityRole.kind, "exists"): identity('call("DELETE", "/roles/" + find("roles", name={role}))'),
    (IdentityProject.kind, "enabled"): patch("projects", "project", '{"enabled": False}'),
    (IdentityProject.kind, "description"): patch("projects", "project", '{"description": "by hand"}'),
    (IdentityUser.kind, "enabled"): patch("users", "user", '{"enabled": False}'),
    (IdentityUser.kind, "description"): patch("users", "user", '{"description": "by hand"}'),
    (IdentityUser.kind, "password"): patch("users", "user", '{"password": "by-hand"}'),
    (IdentityAssignment.kind, "exists"): assignment,
    (IdentityService.kind, "type"): patch("services", "service", '{"type": "by-hand"}'),
    (IdentityService.kind, "enabled"): patch("services", "service", '{"enabled": False}'),
    (IdentityService.kind, "description"): patch("services", "service", '{"description": "by hand"}'),
    (IdentityEndpoint.kind, "url"): endpoint('{"url": "https://hand.example"}'),
    (IdentityEndpoint.kind, "enabled"): endpoint('{"enabled": False}'),
    (GoneIdentityUsers.kind, "there"): identity(
        'call("POST", "/users", {"user": {"name": {users}[0], "domain_id": "default", "password": "by-hand"}})'
    ),
    (KeyRotation.kind, "rotated"): keys_of_yesterday,
    (ExclusiveIdentityCatalog.kind, "services"): identity(
        'call("POST", "/services", {"service": {"name": "hand", "type": "by-hand"}})'
    ),
    (ExclusiveIdentityCatalog.kind, "endpoints"): identity(f'call("POST", "/endpoints", {NEW_ENDPOINT})'),
    (ExclusiveIdentityCatalog.kind, "regions"): identity('call("POST", "/regions", {"region": {"id": "hand"}})'),
    **cells.TABLE,
}
"""(kind, property) → act. All are mended by an apply but REFUSED."""

REFUSED = frozenset({("exclusive-databases", "strangers")})
"""Seen, and refused with the reason: mending would lose data. Undo: DROP DATABASE stranger."""
