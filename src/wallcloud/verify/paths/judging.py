"""What accounts could open and where secrets were, against what the design says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.paths.far import writing
from wallcloud.verify.paths.wanted import Target

OPENED, REFUSED, ABSENT, THERE = "opened", "refused", "absent", "there"
NOWHERE, NOWHERE_ELSE = "nowhere", "nowhere but where it belongs"
_KINDS = {
    "files": "no file that others can read, and no other file of the node's own, holds it",
    "arguments": "no process has it among its arguments",
    "environments": "no process has it in its environment",
    "journal": "no log holds it",
}
_MEND = {
    "files": "an apply mends a file that is a resource's; another one: take it away, and renew the secret",
    "arguments": "end the process, and renew the secret",
    "environments": "end the process, and renew the secret",
    "journal": "renew the secret; journalctl --rotate --vacuum-time=1s takes the log away",
}


@frozen
class Try:
    """One account at one path."""

    account: str
    path: str
    how: str
    may: bool
    must: bool
    why: str


def tries(targets: Iterable[Target], there: Mapping[str, Sequence[str]], accounts: Iterable[str]) -> Iterator[Try]:
    """Each account at each path that is there. Sockets that it may open are not opened: some start a program for
    whoever comes, and then the kernel is asked whether it would let the account through."""
    every = tuple(accounts)
    for target in targets:
        for path in there.get(target.path, ()):
            for account in every:
                may = account in target.readers
                how = ("reach" if may else "connect") if target.socket else "open"
                yield Try(account, path, how, may, target.must, target.why)


def asked(each: Iterable[Try]) -> dict[str, list[tuple[str, str]]]:
    """As the node's program takes it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in each:
        found.setdefault(one.account, []).append((one.how, one.path))
    return found


def absent(node: str, targets: Iterable[Target], there: Mapping[str, Sequence[str]]) -> Iterator[Seen]:
    """What must be there and is not."""
    for target in targets:
        if target.must and not there.get(target.path):
            probe = Probe(f"paths/{node}/{target.path}", node, THERE, target.why, {}, source=node)
            yield Seen(probe, ABSENT)


def shaped(node: str, targets: Iterable[Target], told: Mapping[str, str]) -> Iterator[Seen]:
    """Files with secrets have the mode that they were given, also where a folder above them is closed."""
    for target in targets:
        if target.shape:
            why = f"{target.why}: its account reads it, root alone writes it; an apply sets it back"
            repeat = f"{node}# stat -c '%a %U:%G' {target.path}"
            probe = Probe(f"paths/{node}/mode{target.path}", node, target.shape, why, {}, repeat=repeat, source=node)
            yield Seen(probe, told.get(target.path, ABSENT))


def opened(node: str, each: Iterable[Try], told: Mapping[str, Sequence[str]]) -> Iterator[Seen]:
    """What came of it: an answer for each, in the order of each account's list. What may come and go and went in the
    meantime says nothing."""
    answers = {account: iter(outcomes) for account, outcomes in told.items()}
    for one in each:
        outcome = next(answers[one.account])
        if outcome == ABSENT and not one.must:
            continue
        # Who may connect to a socket is who may write to it (unix(7)).
        verb = f"test -{'r' if one.how == 'open' else 'w'} {one.path}"
        yield Seen(
            Probe(
                f"paths/{node}/{one.account}→{one.path}",
                node,
                OPENED if one.may else REFUSED,
                one.why if one.may else f"{one.why}; {one.account} has nothing to do with it",
                {},
                negative=not one.may,
                repeat=f"{node}# setpriv --reuid={one.account} --regid={one.account} --init-groups {verb}",
                source=f"{node} as {one.account}",
            ),
            outcome,
        )


def found(
    node: str, told: Mapping[str, Any], belonging: Mapping[str, Sequence[str]], kept: Sequence[str]
) -> Iterator[Seen]:
    """Where secrets were. `belonging`: secret of the site → its files; `kept` are patterns of files that their
    component keeps to itself, where a key of the node's own may be."""
    homes = {**belonging, **{path: (path, *kept) for path in told["keys"]}}
    for kind, why in _KINDS.items():
        for name, home in homes.items():
            where = [each for each in told[kind].get(name, ()) if not any(fnmatchcase(each, own) for own in home)]
            may = NOWHERE_ELSE if kind == "files" and home else NOWHERE
            yield Seen(
                Probe(
                    f"paths/{node}/{kind}/{name}",
                    node,
                    may,
                    f"{why}; {_MEND[kind]}" if where else why,
                    {},
                    negative=True,
                    source=node,
                ),
                f"in {_some(where)}" if where else may,
                f"{told['counted'][kind]} {'bytes' if kind == 'journal' else 'looked at'}",
            )


def written(node: str, told: Sequence[str]) -> Seen:
    """Whether somebody who is nobody could change what runs there."""
    probe = Probe(
        f"paths/{node}/writable",
        node,
        NOWHERE,
        "programs and configurations are nobody's to write; an apply sets a resource's mode back, another's: chmod o-w",
        {},
        negative=True,
        repeat=f"{node}# find {' '.join(writing.WHERE)} -xdev -perm -o+w ! -type l",
        source=node,
    )
    return Seen(probe, f"{_some(told)} may be written by everybody" if told else NOWHERE)


def _some(paths: Sequence[str]) -> str:
    return f"{', '.join(paths[:5])}{f' and {len(paths) - 5} more' if len(paths) > 5 else ''}"


def dumped(node: str, told: Mapping[str, Any], dumps: Sequence[str]) -> Iterator[Seen]:
    """Whether memory stays behind."""
    why = "a process that dies leaves nothing of what it knew"
    for unit, limit in sorted(told["cores"].items()):
        repeat = f"{node}# systemctl show -p LimitCORE {unit}"
        yield Seen(_dump(node, f"core/{unit}", "0 bytes", why, repeat), f"{limit} bytes")
    setting = told["kernel"]["fs.suid_dumpable"]
    yield Seen(_dump(node, "suid_dumpable", "0", why, f"{node}# sysctl fs.suid_dumpable"), setting)
    pattern = told["kernel"]["kernel.core_pattern"]
    # A program is started whatever the limit says (core(5)); systemd's own keeps to it.
    outcome = pattern if pattern.startswith("|") and "systemd-coredump" not in pattern else "no program"
    yield Seen(_dump(node, "core_pattern", "no program", why, f"{node}# sysctl kernel.core_pattern"), outcome, pattern)
    for path in dumps:
        mend = f"{why}; no apply takes it away: remove it"
        yield Seen(_dump(node, f"dumps{path}", "not there", mend, f"{node}# file {path}"), THERE)
    if not dumps:
        yield Seen(_dump(node, "dumps", "none", why, ""), "none")


def _dump(node: str, name: str, expected: str, why: str, repeat: str) -> Probe:
    return Probe(f"paths/{node}/{name}", node, expected, why, {}, negative=True, repeat=repeat, source=node)
