"""Talking to the node's MariaDB as root over its socket (the kernel says who asks): SQL on stdin, a process a read."""

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context, ResourceFailed
from wallcloud.node.resources.mariadb_grants import Grant, shown
from wallcloud.node.run import run, tail

SOCKET = "/run/mysqld/mysqld.sock"
# batch without raw: tab, newline and backslash in values are escaped, so no name can pass for a column or a row.
# skip-ssl: nothing to hide from on the node's own socket, and TLS is four fifths of the time (10 ms instead of 48).
# binary-mode: the client itself interprets nothing in the SQL but DELIMITER.
CLIENT = (
    *("mariadb", "--no-defaults", "--protocol=socket", f"--socket={SOCKET}", "--user=root", "--skip-ssl"),
    *("--batch", "--skip-column-names", "--binary-mode", "--default-character-set=utf8mb4"),
)
UNFINISHED = "wallcloud_unfinished"
RESTORE = "wallcloud_restore"
"""A database that is there while a restore is under way: see resources/restored.py."""
GONE = (" 2002 ", " 2006 ", " 2013 ", " 1053 ", " 1927 ")
"""No socket, server gone, connection lost, shutting down, connection killed: the server is not there (yet)."""

# The server counts on two of ours (catalog/mariadb.py, max_connections): a read and a statement of components in hand.
_AT_ONCE = threading.BoundedSemaphore(2)

# quoting below and QUOTE() of the server agree on backslashes whatever the server's own mode is
MODE = "SET SESSION sql_mode = 'STRICT_ALL_TABLES';\n"

READ = rf"""{MODE}
DELIMITER //
BEGIN NOT ATOMIC
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SELECT 'unreadable';
  SELECT 'database', SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME
    FROM information_schema.SCHEMATA;
  FOR a IN (SELECT User AS u, Host AS h, Priv AS p FROM mysql.global_priv ORDER BY User, Host) DO
    SELECT 'account', a.u, a.h, a.p;
    IF a.h <> '' THEN
      EXECUTE IMMEDIATE CONCAT('SHOW GRANTS FOR ', QUOTE(a.u), '@', QUOTE(a.h));
    END IF;
  END FOR;
  SELECT 'unfinished', TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = '{UNFINISHED}';
  FOR t IN (SELECT TABLE_SCHEMA AS s, TABLE_NAME AS n FROM information_schema.TABLES
            WHERE TABLE_NAME LIKE '%alembic\_version%') DO
    EXECUTE IMMEDIATE CONCAT('SELECT ''head'', ', QUOTE(t.s), ', ', QUOTE(t.n), ', version_num FROM `',
      REPLACE(t.s, '`', '``'), '`.`', REPLACE(t.n, '`', '``'), '`');
  END FOR;
END//
"""  # noqa: S608 - the one thing filled in is a constant


@frozen
class Account:
    """One account of the server. `secrets` holds password hashes: it is compared and never shown."""

    user: str
    host: str
    login: str
    secrets: str
    requires: str
    locked: bool
    expired: bool
    max_connections: int
    grants: tuple[Grant, ...]

    @property
    def name(self) -> str:
        return f"{self.user}@{self.host}"


@frozen
class Server:
    """All that Wallcloud reads of a server. `databases`: name → (character set, collation); `heads`: (database, table)
    → revisions; `unfinished`: databases whose first sync never ended."""

    databases: Mapping[str, tuple[str, str]]
    accounts: Mapping[str, Account]
    roles: tuple[str, ...]
    heads: Mapping[tuple[str, str], tuple[str, ...]]
    unfinished: frozenset[str]


def server(ctx: Context) -> Server | None:
    """What the server holds, read once until something is applied; None where no server answers."""
    return ctx.cached("mariadb", read)


def execute(statements: Iterable[str], *, secret: bool = False) -> str:
    """Runs statements one after the other and returns their rows. Raises ResourceFailed in the server's words;
    with `secret` only the error's number is told, since the server quotes what it was sent."""
    sql = "".join(f"{each};\n" for each in statements)
    with _AT_ONCE:
        result = run(CLIENT, MODE + sql, 600, check=False)
    if not result.ok:
        output = tail(result.stderr)
        raise ResourceFailed(
            "MariaDB refused" if "ERROR" in result.stderr else "MariaDB cannot be asked",
            tried="a statement that holds a secret" if secret else sql.strip().replace("\n", " "),
            # the client repeats the statement, and the server quotes from it
            output=tuple(each.partition(":")[0] for each in output if each.startswith("ERROR ")) if secret else output,
            hint="" if "ERROR" in result.stderr else "is wallcloud-mariadb.service running?",
        )
    return result.stdout


def has_table(ctx: Context, database: str, table: str) -> bool:
    """Whether a server answers and has such a table (yet). Raises ResourceFailed."""
    found = server(ctx)
    if found is None or database not in found.databases:
        return False
    there = f"TABLE_SCHEMA = {string(database)} AND TABLE_NAME = {string(table)}"
    return execute([f"SELECT COUNT(*) FROM information_schema.TABLES WHERE {there}"]).strip() != "0"  # noqa: S608 - quoted


def identifier(name: str) -> str:
    """`name` quoted as an identifier."""
    return "`" + _plain(name).replace("`", "``") + "`"


def string(text: str) -> str:
    """`text` quoted as a string."""
    return "'" + _plain(text).replace("\\", "\\\\").replace("'", "''") + "'"


def account(user: str, host: str) -> str:
    """The quoted name of an account."""
    return f"{identifier(user)}@{identifier(host)}"


def native_hash(password: str) -> str:
    """What mysql_native_password stores: "*" and SHA1(SHA1(password))."""
    inner = hashlib.sha1(password.encode()).digest()  # noqa: S324 - the server's own format
    return "*" + hashlib.sha1(inner).hexdigest().upper()  # noqa: S324


def rows(text: str) -> Iterator[tuple[str, ...]]:
    """Rows of batch output, unescaped. Only a newline ends one: names may hold other ends of lines (CR, U+2028)."""
    for line in text.removesuffix("\n").split("\n") if text else ():
        yield tuple(_unescape(field) for field in line.split("\t"))


def parse(text: str) -> Server:
    """The output of READ."""
    databases: dict[str, tuple[str, str]] = {}
    accounts: dict[str, Account] = {}
    heads: dict[tuple[str, str], tuple[str, ...]] = {}
    grants: defaultdict[str, list[Grant]] = defaultdict(list)
    roles: list[str] = []
    unfinished: list[str] = []
    last = ("", "")
    for row in rows(text):
        match row:
            case ("database", name, charset, collation):
                databases[name] = (charset, collation)
            case ("account", user, host, document):
                last, privileges = (user, host), json.loads(document)
                if privileges.get("is_role"):
                    roles.append(user)
                else:
                    each = _account(user, host, privileges)
                    accounts[each.name] = each
            case ("head", name, table, revision):
                heads[name, table] = (*heads.get((name, table), ()), revision)
            case ("unfinished", name):
                unfinished.append(name)
            case ("unreadable",):
                pass
            case (line,) if line.startswith(("GRANT ", "SET ")):
                spelt = (account(*last), f"{string(last[0])}@{string(last[1])}")
                if grant := shown(line, spelt):
                    grants["@".join(last)].append(grant)
    return Server(
        databases,
        {name: _with_grants(each, grants[name]) for name, each in accounts.items()},
        tuple(sorted(roles)),
        {key: tuple(sorted(value)) for key, value in heads.items()},
        frozenset(unfinished),
    )


def read() -> Server | None:
    """What the server holds at this moment; None where none answers. Raises ResourceFailed."""
    with _AT_ONCE:
        result = run(CLIENT, READ, 60, check=False)
    if result.status == 127 or any(number in result.stderr for number in GONE):
        return None
    if not result.ok:
        raise ResourceFailed(
            "MariaDB cannot be read",
            tried=" ".join(CLIENT),
            output=tail(result.stderr),
            hint="root@localhost must log in over the socket (IDENTIFIED VIA unix_socket)",
        )
    return parse(result.stdout)


def _account(user: str, host: str, privileges: Mapping[str, Any]) -> Account:
    # {} in auth_or stands for the plugin that is named outside it
    ways = [each or privileges for each in privileges.get("auth_or", [{}])]
    return Account(
        user=user,
        host=host,
        login=" or ".join(str(way.get("plugin", "mysql_native_password")) for way in ways),
        secrets="\n".join(str(way.get("authentication_string", "")) for way in ways),
        requires=_requires(privileges),
        locked=bool(privileges.get("account_locked", False)),
        expired=privileges.get("password_last_changed", 1) == 0,
        max_connections=int(privileges.get("max_user_connections", 0)),
        grants=(),
    )


def _requires(privileges: Mapping[str, Any]) -> str:
    match privileges.get("ssl_type", 0):
        case 0:
            return ""
        case 1:
            return "SSL"
        case 2:
            return "X509"
    names = {"SUBJECT": "x509_subject", "ISSUER": "x509_issuer", "CIPHER": "ssl_cipher"}
    return " ".join(f"{word} {string(privileges[key])}" for word, key in names.items() if privileges.get(key))


def _with_grants(each: Account, grants: list[Grant]) -> Account:
    from dataclasses import replace  # noqa: PLC0415

    return replace(each, grants=tuple(sorted(grants, key=lambda grant: grant.text)))


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("a name in SQL may not hold NUL")
    return text


ESCAPES = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    parts = iter(field)
    return "".join(ESCAPES.get(next(parts, ""), "") if each == "\\" else each for each in parts)
