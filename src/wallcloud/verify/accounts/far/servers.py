"""What MariaDB, RabbitMQ and Keystone know of accounts, read as root on control: no password leaves it.

MariaDB and Keystone's tables by the unix socket, RabbitMQ by Erlang's distribution, as Wallcloud's own resources do,
but with no code of theirs: what they would overlook is to be found here.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Callable
from typing import Any

from wallcloud.verify.far.becoming import as_account

_MARIADB = (
    *("mariadb", "--no-defaults", "--protocol=socket", "--socket=/run/mysqld/mysqld.sock", "--user=root"),
    *("--skip-ssl", "--batch", "--skip-column-names", "--binary-mode"),
)
_KEYSTONE = """
SELECT JSON_OBJECT('actor', COALESCE(l.name, g.name, a.actor_id), 'of', a.type, 'role', r.name, 'target',
  IF(p.is_domain, CONCAT('domain ', p.name), CONCAT('project ', p.name)))
  FROM (SELECT type, actor_id, target_id, role_id FROM keystone.assignment) a
  LEFT JOIN keystone.role r ON r.id = a.role_id LEFT JOIN keystone.local_user l ON l.user_id = a.actor_id
  LEFT JOIN keystone.`group` g ON g.id = a.actor_id LEFT JOIN keystone.project p ON p.id = a.target_id;
SELECT JSON_OBJECT('actor', COALESCE(l.name, g.name, a.actor_id), 'of', a.type, 'role', r.name, 'target', 'the system')
  FROM keystone.system_assignment a LEFT JOIN keystone.role r ON r.id = a.role_id
  LEFT JOIN keystone.local_user l ON l.user_id = a.actor_id LEFT JOIN keystone.`group` g ON g.id = a.actor_id;
SELECT JSON_OBJECT('member', l.name, 'group', g.name) FROM keystone.user_group_membership m
  JOIN keystone.`group` g ON g.id = m.group_id JOIN keystone.local_user l ON l.user_id = m.user_id;
SELECT JSON_OBJECT('prior', p.name, 'implied', i.name) FROM keystone.implied_role m
  JOIN keystone.role p ON p.id = m.prior_role_id JOIN keystone.role i ON i.id = m.implied_role_id;
SELECT JSON_OBJECT('delegation', 'trust', 'actor', COALESCE(l.name, t.trustor_user_id)) FROM keystone.trust t
  LEFT JOIN keystone.local_user l ON l.user_id = t.trustor_user_id WHERE t.deleted_at IS NULL;
SELECT JSON_OBJECT('delegation', 'application credential', 'actor', COALESCE(l.name, c.user_id))
  FROM keystone.application_credential c LEFT JOIN keystone.local_user l ON l.user_id = c.user_id;
SELECT JSON_OBJECT('provider', id) FROM keystone.identity_provider;
"""
_BUS = """try io:put_chars(base64:encode(rabbit_json:encode(#{
  mechanisms => [atom_to_binary(M) || M <- element(2, application:get_env(rabbit, auth_mechanisms))],
  vhosts => rabbit_vhost:list_names(),
  users => [begin
      Name = proplists:get_value(user, U), {ok, R} = rabbit_auth_backend_internal:lookup_user(Name),
      #{name => Name, tags => [atom_to_binary(T) || T <- proplists:get_value(tags, U)],
        password => internal_user:get_password_hash(R) =/= <<>>} end || U <- rabbit_auth_backend_internal:list_users()],
  permissions => [maps:from_list(P) || P <- rabbit_auth_backend_internal:list_permissions()]})))
catch C:R -> io:put_chars(["error ", io_lib:format("~tp:~tp", [C, R])]) end.
"""
_ERL_CALL = ("erl_call", "-address", "127.0.0.1:25672", "-h", "wallcloud-verify", "-fetch_stdout", "-no_result_term")
_HOME = "/var/lib/wallcloud-rabbitmq"
_AMQP = b"AMQP\x00\x00\x09\x01"


def _run(*argv: str, given: str, home: str = "") -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **({"HOME": home} if home else {})}
    done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False, timeout=60, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {last}")
    return done.stdout


def mariadb() -> dict[str, Any]:
    """`{accounts: [{user, host, ways, requires, grants: [[privileges, on]]}], proxies: [text]}`; `ways` to log in."""
    rows = _run(
        *_MARIADB,
        given="SELECT User, Host, Priv FROM mysql.global_priv; SELECT 'proxy', User, Host, "
        "Proxied_user, Proxied_host FROM mysql.proxies_priv;",
    ).splitlines()
    found: list[dict[str, Any]] = []
    proxies: list[str] = []
    for row in rows:
        cells = [_plain(cell) for cell in row.split("\t")]
        if len(cells) == 5:
            if cells[3] or cells[1] != "root":
                proxies.append(f"{cells[1]}@{cells[2]} as {cells[3]}@{cells[4]}")
            continue
        user, host, private = cells[0], cells[1], json.loads(cells[2])
        found.append({"user": user, "host": host, "ways": _ways(private), "requires": _requires(private)})
    asked = [each for each in found if each["host"]]
    told = _run(*_MARIADB, given="".join(f"SELECT '--'; SHOW GRANTS FOR {_quoted(each)};\n" for each in asked))
    for each, part in zip(asked, told.split("--\n")[1:], strict=True):
        each["grants"] = [_grant(_plain(line)) for line in part.splitlines()]
    return {"accounts": found, "proxies": proxies}


def _grant(line: str) -> list[str]:
    """Privileges, and on what, of a line of SHOW GRANTS, without how the account logs in."""
    found = re.match(r"GRANT (.+?) ON (.+?) TO |GRANT (.+?) TO |(SET DEFAULT ROLE .+?) FOR ", line)
    if not found:
        return [line, "?"]
    option = ", GRANT OPTION" if line.endswith("WITH GRANT OPTION") else ""
    if found[2]:
        return [found[1] + option, found[2].replace("`", "")]
    return [(found[3] or found[4]) + option, "a role"]


def _plain(cell: str) -> str:
    """A cell as the client's batch mode writes it, without its escapes."""
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "0": "\0"}.get(found[1], found[1]), cell)


def _quoted(each: dict[str, Any]) -> str:
    return "@".join("'" + each[part].replace("\\", "\\\\").replace("'", "''") + "'" for part in ("user", "host"))


def _ways(private: dict[str, Any]) -> list[str]:
    """By what one can log in: plugins, `password`, `nothing` (an empty one)."""
    if private.get("account_locked"):
        return []
    ways = set()
    for each in [{**private, **other} for other in private.get("auth_or", [{}])]:
        plugin, text = each.get("plugin", "mysql_native_password"), each.get("authentication_string", "")
        if plugin == "unix_socket":
            ways.add("the account of the process")
        elif plugin != "mysql_native_password":
            ways.add(plugin)
        elif text != "invalid":
            ways.add("password" if text else "nothing")
    return sorted(ways)


def _requires(private: dict[str, Any]) -> str:
    parts = (("subject", "x509_subject"), ("issuer", "x509_issuer"), ("cipher", "ssl_cipher"))
    named = [f"{name} {private[key]}" for name, key in parts if private.get(key)]
    kind = {0: "", 1: "TLS", 2: "a certificate"}.get(private.get("ssl_type", 0), "")
    return ", ".join([*([kind] if kind else []), *named])


def keystone() -> list[dict[str, str]]:
    """Assignments, memberships of groups, implied roles, delegations and foreign identity providers."""
    return [json.loads(_plain(line)) for line in _run(*_MARIADB, given=_KEYSTONE).splitlines()]


def broker() -> dict[str, Any]:
    """`{mechanisms, vhosts, users: [{name, tags, password}], permissions: [{user, vhost, configure, write, read}]}`."""
    told = _run(*_ERL_CALL, "-e", given=_BUS, home=_HOME)
    if told.startswith("error "):
        raise RuntimeError(told)
    answer: dict[str, Any] = json.loads(base64.b64decode(told))
    return answer


def bus_offers(address: str, name: str, ca: str, certificate: str, key: str) -> list[str]:
    """The mechanisms of login that the broker offers to a client with a certificate (AMQP 0-9-1, connection.start)."""
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), 5) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        wrapped.sendall(_AMQP)
        head = _exactly(wrapped, 7)
        body = _exactly(wrapped, int.from_bytes(head[3:7], "big"))
        # class, method, two octets of version, a table (length first), then the mechanisms (length first)
        at = 6 + 4 + int.from_bytes(body[6:10], "big")
        length = int.from_bytes(body[at : at + 4], "big")
        return sorted(body[at + 4 : at + 4 + length].decode().split())


def _exactly(wrapped: ssl.SSLSocket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = wrapped.recv(size - len(found))
        if not more:
            raise RuntimeError("the broker closed the connection")
        found += more
    return found


def servers(offers: dict[str, str]) -> dict[str, Any]:
    """`{mariadb, keystone, broker, offers, silent: {name: why}}`; who does not answer is `silent` and keeps no other
    from answering. `offers` says where the broker is, and as which account and with which certificate it is asked: no
    other is let out to it."""
    account = offers["account"]
    where = {key: value for key, value in offers.items() if key != "account"}
    asked: dict[str, Callable[[], Any]] = {
        "mariadb": mariadb,
        "keystone": keystone,
        "broker": broker,
        "offers": lambda: as_account(account, lambda: bus_offers(**where)),
    }
    found: dict[str, Any] = {"silent": {}}
    for name, ask in asked.items():
        try:
            found[name] = ask()
        except Exception as error:
            found["silent"][name] = f"{type(error).__name__}: {error}"
    return found
