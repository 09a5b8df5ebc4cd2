"""Debian's packages as dpkg's own files tell of them, and how versions compare (deb-version(7))."""

import fcntl
import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context

ADMIN = Path("/var/lib/dpkg")
_FIELDS = ("Package", "Status", "Version", "Depends", "Pre-Depends", "Provides", "Filename")
_WANTED = re.compile(rf"^({'|'.join(_FIELDS)}): *(.*)$", re.MULTILINE)


@frozen
class Package:
    """One paragraph. `status` is dpkg's third word ("installed", …); `depends` are groups of alternatives, by name."""

    name: str
    version: str
    status: str
    depends: tuple[tuple[str, ...], ...]
    provides: tuple[str, ...]
    filename: str = ""

    @property
    def installed(self) -> bool:
        return self.status == "installed"


@frozen
class Installed:
    """What dpkg knows of this node; `providers` are the installed packages by every name they go by."""

    packages: Mapping[str, Package]
    providers: Mapping[str, tuple[str, ...]]


def installed(ctx: Context) -> Installed:
    """dpkg's status, parsed once for all resources."""
    return ctx.cached("dpkg", _read)


def parse(text: str) -> Iterator[Package]:
    """The paragraphs of a status file or of an apt `Packages` index (deb-control(5))."""
    for paragraph in text.split("\n\n"):
        found = dict(_WANTED.findall(paragraph))
        if "Package" in found:
            yield Package(
                name=found["Package"],
                version=found.get("Version", ""),
                status=found.get("Status", "").rpartition(" ")[2],
                depends=_relations(", ".join(found[each] for each in ("Pre-Depends", "Depends") if found.get(each))),
                provides=tuple(each[0] for each in _relations(found.get("Provides", ""))),
                filename=found.get("Filename", ""),
            )


def interrupted(state: Installed) -> tuple[str, ...]:
    """Packages that an installation left half done (dpkg(1), package states)."""
    good = {"installed", "not-installed", "config-files", ""}
    names = tuple(sorted(each.name for each in state.packages.values() if each.status not in good))
    updates = ADMIN / "updates"
    journal = ("dpkg's own journal",) if updates.is_dir() and any(updates.iterdir()) else ()
    return (*names, *journal)


def missing(state: Installed, names: tuple[str, ...]) -> tuple[str, ...]:
    """Dependencies, near and far, of `names` that nothing installed satisfies."""
    lacking, seen, todo = set[str](), set[str](), list(names)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        package = state.packages.get(name)
        if package is None or not package.installed:
            continue
        for alternatives in package.depends:
            present = [each for name in alternatives for each in state.providers.get(name, ())]
            todo += present[:1]
            if not present:
                lacking.add(alternatives[0])
    return tuple(sorted(lacking - set(names)))


def older(left: str, right: str) -> bool:
    """Whether version `left` sorts before `right`."""
    return left != right and _key(left) < _key(right)


def lock_holder() -> tuple[int, str] | None:
    """(pid, program) of who holds dpkg's or apt's lock; None = nobody."""
    for name in ("lock-frontend", "lock"):
        try:
            descriptor = os.open(ADMIN / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            asked = struct.pack("hhqqixxxx", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack("hhqqixxxx", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        finally:
            os.close(descriptor)
        if kind != fcntl.F_UNLCK:
            return pid, _program(pid)
    return None


def _read() -> Installed:
    try:
        text = (ADMIN / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    packages = {each.name: each for each in parse(text)}
    providers: dict[str, tuple[str, ...]] = {}
    for each in packages.values():
        if each.installed:
            for name in (each.name, *each.provides):
                providers[name] = (*providers.get(name, ()), each.name)
    return Installed(packages, providers)


def _relations(text: str) -> tuple[tuple[str, ...], ...]:
    """ "a (>= 1), b | c:any" → (("a",), ("b", "c"))."""
    groups = (group.split("|") for group in text.split(",") if group.strip())
    return tuple(tuple(re.split(r"[ (:\[]", each.strip(), maxsplit=1)[0] for each in group) for group in groups)


def _key(version: str) -> tuple[int, tuple[object, ...], tuple[object, ...]]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return int(epoch) if epoch.isdigit() else 0, _part(upstream), _part(revision)


def _part(text: str) -> tuple[object, ...]:
    """Other characters and digits in turn; "~" sorts before the end, the end before letters, letters before signs."""
    out: list[object] = []
    for other, digits in re.findall(r"([^0-9]*)([0-9]*)", text):
        if other or digits:
            out.append((*(_order(char) for char in other), 0))
            out.append(int(digits or 0))
    return (*out, (0,), 0)


def _order(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


def _program(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return "a program in another container"
