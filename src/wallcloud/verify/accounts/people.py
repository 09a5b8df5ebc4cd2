"""Accounts of a node against the components on it: numbers, groups, no password, no key, no shell; and whom sudo,
polkit and the system bus obey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wallcloud.catalog.component import ROOT, Account
from wallcloud.design.compile import Design
from wallcloud.verify.accounts.finding import GONE, listed, seen, strays
from wallcloud.verify.expectation import Seen

NOBODY = "nobody"
_NO_LOGIN = "nobody logs in"


def declared(design: Design, node: str) -> dict[str, Account]:
    """The accounts of a node's components by name, root and Debian's own among them."""
    found: dict[str, Account] = {ROOT.name: ROOT}
    for place in design.places[node]:
        component = place.component
        schemas = (database.schema_account for database in component.databases)
        found |= {each.name: each for each in (component.account, *component.accounts, *schemas)}
    return found


def judge(design: Design, node: str, told: Mapping[str, Any]) -> Iterator[Seen]:
    """Every account, every group, and who obeys whom."""
    ours = declared(design, node)
    deployer = design.site.ssh.user
    found = {each["name"]: each for each in told["accounts"]}
    groups: Mapping[str, list[str]] = told["groups"]
    for name, account in ours.items():
        if name not in found:
            yield seen(f"{node}/{name}", node, f"uid {account.uid}", GONE, "a component of the node runs as it")
    for name, each in found.items():
        yield from _account(node, each, ours.get(name), name in (ROOT.name, deployer), groups)
    roots = [each["name"] for each in told["accounts"] if each["uid"] == ROOT.uid]
    why = "one account is root"
    yield seen(f"{node}/uid 0", node, ROOT.name, listed(roots), why, f"{node}# getent passwd 0", wall=True)
    yield from _groups(node, ours, deployer, groups)
    may = {ROOT.name, deployer, f"%{deployer}"}
    rules = [rule for rule in told["sudo"] if rule.split(" ")[0] not in may and not _empty(rule, groups, may)]
    why = "nobody but the deployer's own account commands by sudo; no apply takes a rule away: visudo"
    yield from strays(f"{node}/sudo", node, rules, why, f"{node}# grep -r . /etc/sudoers /etc/sudoers.d")
    why = "nothing on a node asks polkit, so nobody may be allowed by it; no apply takes it away"
    yield from strays(f"{node}/polkit", node, told["polkit"], why, f"{node}# ls -R /etc/polkit-1; pgrep polkitd")
    yield from _bus(node, told["bus"])


def _empty(rule: str, groups: Mapping[str, list[str]], may: set[str]) -> bool:
    """Whether it is of a group without members but those who may."""
    group = rule.split(" ", maxsplit=1)[0].removeprefix("%")
    return rule.startswith("%") and not set(groups.get(group, ())) - may


def _account(
    node: str, each: Mapping[str, Any], account: Account | None, admin: bool, groups: Mapping[str, list[str]]
) -> Iterator[Seen]:
    name = each["name"]
    repeat = f"{node}# id {name}; getent passwd {name}; getent shadow {name}"
    if account is not None:
        shall = f"uid {account.uid}, groups {listed({account.group, *account.groups})}"
        mine = {each["group"], *(group for group, members in groups.items() if name in members)}
        why = "a component runs as it; the firewall knows it by number, files and sockets by its groups"
        yield seen(f"{node}/{name}", node, shall, f"uid {each['uid']}, groups {listed(mine)}", why, repeat)
    ways = [
        *(["by a password"] if each["password"] else []),
        *([] if admin or not each["keys"] else [f"by {each['keys']} SSH keys"]),
        *([] if admin or not each["shell"] else [f"at {each['shell']}"]),
    ]
    detail = f"{each['keys']} SSH keys" if admin else ""
    why = "the deployer's keys alone log in" if admin else "it is no person's: no password, no SSH key, no shell"
    mend = "" if account is not None and not admin and not each["keys"] else "; no apply mends it: usermod, passwd -l"
    why = why if not ways else f"{why}{mend}"
    outcome = ", ".join(ways) or _NO_LOGIN
    yield seen(f"{node}/{name}/login", node, _NO_LOGIN, outcome, why, repeat, detail=detail, wall=True)


def _groups(node: str, ours: Mapping[str, Account], deployer: str, groups: Mapping[str, list[str]]) -> Iterator[Seen]:
    for group, members in sorted(groups.items()):
        may = {name for name, account in ours.items() if group in account.groups}
        # The account by which the deployer comes is its owner's.
        known = set(members) - {deployer}
        repeat = f"{node}# getent group {group}"
        why = "members of a group are whom components declare"
        yield seen(f"{node}/group/{group}", node, listed(may), listed(known), why, repeat, wall=not may)


def _bus(node: str, told: Mapping[str, Mapping[str, str]]) -> Iterator[Seen]:
    for name, answers in sorted(told.items()):
        call = f"{node}# setpriv --reuid={name} --regid={name} --init-groups busctl --system"
        asks, commands = answers["asks"], answers["commands"]
        where = "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager"
        why = "the bus itself is open: what is refused beside it is refused by who answers"
        repeat = f"{call} get-property {where} Version"
        yield seen(f"{node}/{name}/bus/asks", node, "answered", asks.partition(":")[0], why, repeat, detail=asks)
        why = "it commands systemd by nothing"
        repeat = f"{call} call {where} Reload"
        yield seen(
            f"{node}/{name}/bus/commands",
            node,
            "refused",
            commands.partition(":")[0],
            why,
            repeat,
            detail=commands.partition(": ")[2],
            wall=True,
        )
