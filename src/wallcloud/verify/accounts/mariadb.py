"""MariaDB's accounts against `databases`, `uses` and `schema_account` of components: how they log in, and what of which
database is theirs. Derived here anew, not from the resources that make them: a mistake in those is to be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wallcloud.catalog.place import actor
from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind, Role
from wallcloud.verify.accounts.finding import GONE, NOTHING, listed, seen, strays
from wallcloud.verify.expectation import Seen

_SERVES = "DELETE, INSERT, SELECT, UPDATE"
_OWNS = "ALL PRIVILEGES"
_PROCESS = "the account of the process"
_EVERYTHING = "*.*"
_SYSTEM = {
    "root@localhost": (_PROCESS, {_EVERYTHING: "ALL PRIVILEGES, GRANT OPTION", "@%": "GRANT OPTION, PROXY"}),
    # MariaDB's own: the definer of the view `mysql.user`; nobody can log in as it.
    "mariadb.sys@localhost": (NOTHING, {"mysql.global_priv": "DELETE, SELECT"}),
}


@frozen
class Wanted:
    """An account as components declare it: how it logs in, and its privileges by what they are on."""

    name: str
    login: str
    grants: Mapping[str, str]
    why: str


def wanted(design: Design) -> Iterator[Wanted]:
    """Every account that may be there."""
    for name, (login, grants) in _SYSTEM.items():
        yield Wanted(name, login, grants, "MariaDB's own")
    owned: dict[str, dict[str, str]] = {}
    for component in (design.catalog[name] for name in design.placed):
        for database in component.databases:
            owned.setdefault(database.schema_account.name, {})[f"{database.name}.*"] = _OWNS
    for account, grants in owned.items():
        yield Wanted(f"{account}@localhost", _PROCESS, grants, "changes schemas and does nothing else")
    control = design.site.nodes_with(Role.CONTROL)[0]
    management = design.site.networks_of(Kind.MANAGEMENT)[0]
    for name, nodes in design.placed.items():
        component = design.catalog[name]
        grants = {f"{database}.*": _SERVES for database in component.uses}
        for node in nodes if grants else ():
            here = node == control
            host = "localhost" if here else str(design.plan.address(node, management))
            yield Wanted(
                f"{component.account.name}@{host}",
                _PROCESS if here else f"password; requires subject /CN={actor(name, node)}",
                grants,
                f"{component.title} reads and writes its rows, and changes no schema",
            )


def judge(design: Design, node: str, told: Mapping[str, Any]) -> Iterator[Seen]:
    """Every account × every database that a component declares, and whatever else is there."""
    found = {f"{each['user']}@{each['host']}": each for each in told["accounts"]}
    databases = sorted(f"{it.name}.*" for name in design.placed for it in design.catalog[name].databases)
    wants = {each.name: each for each in wanted(design)}
    for name, want in sorted(wants.items()):
        yield from _account(node, want, found.get(name), databases)
    yield from strays(
        "mariadb",
        node,
        sorted(found.keys() - wants.keys()),
        "no component declares this account; an apply drops it",
        _repeat(node, "SELECT User, Host FROM mysql.global_priv"),
    )
    yield from strays(
        "mariadb/proxy",
        node,
        told["proxies"],
        "nobody acts as another account",
        _repeat(node, "SELECT * FROM mysql.proxies_priv"),
    )


def knocks(design: Design, accounts: Iterable[str]) -> list[list[str]]:
    """(account, user): each account of the node as itself, as root, and as a neighbour."""
    local = [each.name.partition("@")[0] for each in wanted(design) if each.name.endswith("@localhost")]
    services = [name for name in local if f"{name}@localhost" not in _SYSTEM]
    return [
        [account, user]
        for account in accounts
        for user in dict.fromkeys((account, "root", next(name for name in services if name != account)))
    ]


def knocked(design: Design, node: str, tries: Iterable[list[str]], told: Iterable[str]) -> Iterator[Seen]:
    """Whom MariaDB let in: each account as itself, where it is a component's with a database, and as nobody else."""
    known = {each.name for each in wanted(design)}
    for (account, user), outcome in zip(tries, told, strict=True):
        may = account == user and f"{user}@localhost" in known
        yield seen(
            f"mariadb/{account} as {user}",
            node,
            "let in" if may else "refused",
            outcome,
            "the kernel says who comes to the socket, and that one alone is let in",
            f"{node}# setpriv --reuid={account} --regid={account} --init-groups mariadb --no-defaults "
            f"--socket=/run/mysqld/mysqld.sock --skip-ssl --user={user} -e 'SELECT 1'",
            wall=not may,
        )


def _account(node: str, want: Wanted, found: Mapping[str, Any] | None, databases: Iterable[str]) -> Iterator[Seen]:
    base = f"mariadb/{want.name}"
    user, _, host = want.name.rpartition("@")
    repeat = _repeat(node, f"SHOW GRANTS FOR '{user}'@'{host}'")
    if found is None:
        yield seen(base, node, want.login, GONE, want.why, repeat)
        return
    ways = " or ".join(found["ways"]) or NOTHING
    requires = f"; requires {found['requires']}" if found["requires"] else ""
    yield seen(base, node, want.login, f"{ways}{requires}", f"{want.why}; by nothing else does one log in", repeat)
    grants = {on: listed(privileges.split(", ")) for privileges, on in _merged(found["grants"])}
    for on in (_EVERYTHING, *databases, *sorted({*grants, *want.grants} - {_EVERYTHING, *databases})):
        may = want.grants.get(on, NOTHING)
        why = want.why if on in want.grants else f"{want.why}; nothing of {on} is its own"
        yield seen(f"{base}/on/{on}", node, may, grants.get(on, NOTHING), why, repeat, wall=on not in want.grants)


def _merged(grants: Iterable[Iterable[str]]) -> Iterator[tuple[str, str]]:
    """(privileges, on what), without what says that there are none."""
    by_object: dict[str, set[str]] = {}
    for privileges, on in grants:
        by_object.setdefault(on, set()).update(set(privileges.split(", ")) - {"USAGE"})
    yield from ((", ".join(privileges), on) for on, privileges in by_object.items() if privileges)


def _repeat(node: str, query: str) -> str:
    return f'{node}# mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --skip-ssl -e "{query}"'
