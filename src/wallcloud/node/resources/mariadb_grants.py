"""Grants as `SHOW GRANTS` prints them: read, compared as sets and turned into GRANT and REVOKE."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

OPTION = "GRANT OPTION"
ALL = "ALL PRIVILEGES"
QUOTED = r"`(?:[^`]|``)*`"
BODY = re.compile(rf"((?:[^`]|{QUOTED})*?) ON (.+)", re.DOTALL)
PRIVILEGE = re.compile(rf"(?:[^,(`]|\((?:[^`)]|{QUOTED})*\)|{QUOTED})+")
WANTED = re.compile(rf"[A-Z][A-Z, ]*(?:\([\w`, ]+\)[A-Z, ]*)* ON (?:\*\.\*|{QUOTED}\.(?:\*|{QUOTED}))")
STRING = re.compile(r"'(?:[^'\\]|''|\\.)*'")
DEFAULT_ROLE = "SET DEFAULT ROLE "


@dataclass(frozen=True, order=True)
class Grant:
    """Privileges on one object. `on` is SQL ("`keystone`.*"); "" for a granted role, "default" for a default role."""

    on: str
    privileges: frozenset[str]

    @property
    def text(self) -> str:
        """ "SELECT, UPDATE ON `keystone`.*", privileges in the alphabet's order."""
        listed = ", ".join(sorted(self.privileges - {OPTION}))
        match self.on:
            case "":
                return f"ROLE {listed}"
            case "default":
                return f"DEFAULT ROLE {listed}"
        return f"{listed} ON {self.on}" + (f" WITH {OPTION}" if OPTION in self.privileges else "")

    def give(self, account: str) -> list[str]:
        """The statement that grants this to `account` (quoted SQL)."""
        listed = ", ".join(sorted(self.privileges - {OPTION})) or "USAGE"
        return [f"GRANT {listed} ON {self.on} TO {account}" + (f" WITH {OPTION}" if OPTION in self.privileges else "")]

    def take(self, account: str) -> list[str]:
        """The statements that revoke this from `account`."""
        match self.on:
            case "":
                return [f"REVOKE {role} FROM {account}" for role in sorted(self.privileges - {OPTION})]
            case "default":
                return [f"{DEFAULT_ROLE}NONE FOR {account}"]
        plain = sorted(self.privileges - {OPTION, "USAGE"})
        # "ALL PRIVILEGES, GRANT OPTION" has another meaning in one statement
        groups = [", ".join(plain)] if plain else []
        groups += [OPTION] if OPTION in self.privileges else []
        return [f"REVOKE {group} ON {self.on} FROM {account}" for group in groups]


def wanted(text: str) -> Grant:
    """A grant as the design writes it: "SELECT, UPDATE ON `keystone`.*", perhaps " WITH GRANT OPTION". ValueError."""
    body, option, _ = text.partition(f" WITH {OPTION}")
    if not WANTED.fullmatch(body):
        raise ValueError(f"not a grant: {text}")
    return _grant(body, bool(option))


def shown(line: str, accounts: tuple[str, ...]) -> Grant | None:
    """One line of SHOW GRANTS; `accounts` = how the account may be spelt in it. None for mere USAGE."""
    if line.startswith(DEFAULT_ROLE):
        role = line.removeprefix(DEFAULT_ROLE)
        for account in accounts:
            role = role.removesuffix(f" FOR {account}")
        return Grant("default", frozenset({role}))
    line = line.removeprefix("GRANT ")
    cut = [line.partition(f" TO {account}") for account in accounts]
    body, _, rest = min(cut, key=lambda parts: len(parts[0]))
    # "IDENTIFIED … REQUIRE … WITH GRANT OPTION MAX_USER_CONNECTIONS 5": words, once the strings are out
    option = any(each in STRING.sub("", rest) for each in (OPTION, "ADMIN OPTION"))
    grant = _grant(body, option)
    return None if grant.privileges == {"USAGE"} else grant


def statements(account: str, found: Iterable[Grant], wished: Iterable[Grant]) -> list[str]:
    """What turns the grants `found` into `wished`. Gives before it takes, so that a running service loses nothing."""
    has, wants = {each.on: each.privileges for each in found}, {each.on: each.privileges for each in wished}
    give: list[str] = []
    take: list[str] = []
    for on in sorted(has.keys() | wants.keys()):
        old, new = has.get(on, frozenset()), wants.get(on, frozenset())
        extra = Grant(on, (old - new) & {OPTION} if ALL in new else old - new)
        if ALL in extra.privileges and new:
            give += extra.take(account) + Grant(on, new).give(account)
            continue
        if new - old:
            give += Grant(on, new).give(account)
        if extra.privileges:
            take += extra.take(account)
    return give + take


def _grant(body: str, option: bool) -> Grant:
    match = BODY.fullmatch(body)
    listed, on = (match[1], match[2]) if match else (body, "")
    names = frozenset(each.strip() for each in PRIVILEGE.findall(listed))
    return Grant(on, names | {OPTION} if option else names)
