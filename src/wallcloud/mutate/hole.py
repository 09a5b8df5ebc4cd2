"""A hole, and how its file says what it is.

`holes/ID.sh` begins with a comment: what is open then, in a sentence or two, and after it one line for each of

    # kind:  what sort of hole it is; a few holes may be of one kind
    # node:  where it is opened: $control, $compute, …
    # parts: the parts of verify that are run
    # fails: the id of a probe that must fail, as fnmatch(3) has it; a line for each
    # besides: one that may fail where parts are run that are not the hole's; a line for each, or none

then the functions `open`, which returns when the hole is really open, and `close`, which also ends what `open` only
began. They run as root on the node with bash, with the site's words (`words`) and what `lib.sh` has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

FOLDER = Path(__file__).parent / "holes"
LIBRARY = FOLDER / "lib.sh"
_LINE = re.compile(r"# (kind|node|parts|fails|besides): +(.*)")
_WORD = re.compile(r"\$\{?([a-z_0-9]+)\}?")


@frozen
class Hole:
    """As its file says it; `node` and `fails` may hold the site's words."""

    id: str
    kind: str
    what: str
    """What is open then: a sentence."""
    node: str
    parts: tuple[str, ...]
    fails: tuple[str, ...]
    """Patterns (fnmatch) of the ids of probes. Each must be met by one that failed, and no other may fail."""
    script: str
    besides: tuple[str, ...] = ()
    """Patterns of what may fail in other parts."""


def holes(folder: Path = FOLDER) -> tuple[Hole, ...]:
    """Every hole, by id. Raises WallcloudError for a file that is none."""
    return tuple(parsed(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.sh")) if path != LIBRARY)


def parsed(name: str, text: str) -> Hole:
    """A hole's file. Raises WallcloudError where something lacks."""
    what: list[str] = []
    said: dict[str, list[str]] = {"kind": [], "node": [], "parts": [], "fails": [], "besides": []}
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        match = _LINE.fullmatch(line)
        if match:
            said[match[1]].append(match[2].strip())
        elif line[2:]:
            what.append(line[2:].strip())
    lacks = [key for key in ("kind", "node", "parts") if len(said[key]) != 1]
    lacks += ["fails"] if not said["fails"] else []
    lacks += ["what it is"] if not what else []
    lacks += [f"{name}()" for name in ("open", "close") if not re.search(rf"^{name}\(\) [{{(]", text, re.MULTILINE)]
    if lacks:
        raise WallcloudError(f"a hole says each once, fails once or more: {', '.join(lacks)}", where=f"{name}.sh")
    parts = tuple(said["parts"][0].split())
    return Hole(
        name,
        said["kind"][0],
        " ".join(what),
        said["node"][0],
        parts,
        tuple(said["fails"]),
        text,
        tuple(said["besides"]),
    )


def at_site(hole: Hole, words: Mapping[str, str]) -> Hole | None:
    """The hole with the site's words put in; None where the site has not what it is about."""
    code = "\n".join(line for line in hole.script.splitlines() if not line.lstrip().startswith("#"))
    named = {*_words_of(hole.node), *(word for text in (*hole.fails, *hole.besides) for word in _words_of(text))}
    named |= {word for word in _words_of(code) if _about_the_site(word)}
    if named - set(words):
        return None
    return Hole(
        hole.id,
        hole.kind,
        hole.what,
        Template(hole.node).substitute(words),
        hole.parts,
        tuple(Template(text).substitute(words) for text in hole.fails),
        hole.script,
        tuple(Template(text).substitute(words) for text in hole.besides),
    )


def _words_of(text: str) -> Iterable[str]:
    return _WORD.findall(text)


_PLACES = ("control", "api", "network", "compute", "compute2")
_WIRES = ("management", "public", "overlay", "floating", "floating2", "flat", "flat2")


def _about_the_site(word: str) -> bool:
    head, _, rest = word.partition("_")
    if head in _PLACES:
        return not rest or rest.removesuffix("_nic") in _WIRES
    return head in _WIRES and rest in ("", "cidr", "gateway")
