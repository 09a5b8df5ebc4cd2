"""Facts that cost much to find out, about bytes that are read anew each time.

A fact's name is a digest of everything that it depends on, so it cannot get old: who changes the bytes asks for another
fact. Losing the notes costs time only. They are root's alone, in /run: gone with the machine's power.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_KEPT = 1000
_WRITING = threading.Lock()


def digest(*parts: bytes) -> str:
    """The name of a fact about these bytes, each apart from the next."""
    return sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


def known(path: Path) -> Mapping[str, str]:
    """Digest → what is known, of all notes in a file."""
    try:
        rows = path.read_text().splitlines()
    except OSError:
        return {}
    return {name: text for name, _, text in (row.partition(" ") for row in rows)}


def remember(path: Path, name: str, text: str = "") -> None:
    """Adds a fact of one line; the oldest are forgotten. Where there is no room for it, it is not known."""
    beside = path.with_name(f"{path.name}.new")
    with _WRITING, suppress(OSError):
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        kept = {**known(path), name: text}
        rows = [f"{each} {said}\n" for each, said in kept.items()][-_KEPT:]
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(rows)
        beside.rename(path)
