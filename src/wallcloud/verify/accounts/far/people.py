"""Accounts of the node itself: who can log in, who is in which group, whom sudo and the system bus obey."""

from __future__ import annotations

import grp
import pwd
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from wallcloud.verify.far import processes
from wallcloud.verify.far.becoming import run_as

_NO_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync", "/usr/bin/sync")
_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
_ASKS = {
    # whether it is heard at all, and what only root may have done (harmless where it is)
    "asks": ("get-property", *_MANAGER, "org.freedesktop.systemd1.Manager", "Version"),
    "commands": ("call", *_MANAGER, "org.freedesktop.systemd1.Manager", "Reload"),
}


def people(commanders: list[str]) -> dict[str, Any]:
    """`{accounts: [...], groups: {name: [member]}, sudo: [rule], polkit: [what], bus: {account: {asks, commands}}}`.

    `commanders` are the accounts that try to command systemd by the system bus.
    """
    return {
        "accounts": list(_accounts()),
        "groups": {group.gr_name: sorted(group.gr_mem) for group in grp.getgrall()},
        "sudo": list(_sudo()),
        "polkit": list(_polkit()),
        "bus": {name: _asked(name) for name in commanders},
    }


def _accounts() -> Iterator[dict[str, Any]]:
    passwords = dict(_shadow())
    for each in pwd.getpwall():
        yield {
            "name": each.pw_name,
            "uid": each.pw_uid,
            "group": _group(each.pw_gid),
            "shell": "" if each.pw_shell in _NO_SHELLS else each.pw_shell or "/bin/sh",
            "password": passwords.get(each.pw_name, _can(each.pw_passwd)),
            "keys": _keys(each),
        }


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _shadow() -> Iterator[tuple[str, bool]]:
    for line in Path("/etc/shadow").read_text(encoding="utf-8").splitlines():
        name, text, *_ = line.split(":")
        yield name, _can(text)


def _can(text: str) -> bool:
    """Whether somebody can log in with such a password (shadow(5)): an empty one lets everybody in."""
    return text != "x" and not text.startswith(("!", "*"))


def _keys(each: pwd.struct_passwd) -> int:
    """Keys with which one may log in as it, where sshd looks for them."""
    count = 0
    for pattern in _key_files():
        name = pattern.replace("%h", each.pw_dir).replace("%u", each.pw_name).replace("%%", "%")
        with suppress(OSError):
            lines = Path(each.pw_dir, name).read_text(encoding="utf-8", errors="replace").splitlines()
            count += sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)
    return count


_KNOWN: list[str] = []


def _key_files() -> list[str]:
    if not _KNOWN:
        told = subprocess.run(["/usr/sbin/sshd", "-T"], capture_output=True, text=True, check=False, timeout=20).stdout
        said = next((line for line in told.splitlines() if line.startswith("authorizedkeysfile ")), "")
        _KNOWN.extend(said.split()[1:] or [".ssh/authorized_keys", ".ssh/authorized_keys2"])
    return _KNOWN


def _sudo() -> Iterator[str]:
    """Whom sudo's files name, root and the defaults aside."""
    files = [Path("/etc/sudoers"), *sorted(Path("/etc/sudoers.d").glob("*"))]
    for file in files:
        with suppress(OSError):
            text = file.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
            for line in text.splitlines():
                rule = re.sub(r"(^|\s)#(?!\d).*", "", line).strip()
                if rule and not rule.startswith(("Defaults", "@include", "root ", "root\t")):
                    yield f"{rule.split()[0]} ({file})"


def _polkit() -> Iterator[str]:
    """Its daemon, where one runs, and local rules."""
    for pid in processes.numbers():
        with suppress(OSError):
            if processes.about(pid).get("name") == "polkitd":
                yield f"polkitd runs (pid {pid})"
    yield from (str(path) for path in sorted(Path("/etc/polkit-1").glob("*/*")))


def _asked(name: str) -> dict[str, str]:
    return {what: _ask(name, argv) for what, argv in _ASKS.items()}


def _ask(name: str, argv: tuple[str, ...]) -> str:
    """`answered`, or what was said instead."""
    done = run_as(name, ["/usr/bin/busctl", "--system", "--timeout=5", *argv])
    return "answered" if done.returncode == 0 else f"refused: {' '.join(done.stderr.split())[:120]}"
