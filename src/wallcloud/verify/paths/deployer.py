"""The deployer's own files: the state folder is its owner's alone, and secrets stand in one file of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.paths.judging import NOWHERE_ELSE

PLACE = "deployer"
_HOMES = ("secrets.json",)
_LARGEST = 1 << 20
"""Bytes: what is larger in the cache is a package, an environment or an image of a release."""


def judge(state: Path, cache: Path, secrets: Mapping[str, str]) -> Iterator[Seen]:
    """Modes of the state folder, and every small file of state, site and cache."""
    mode = state.stat().st_mode & 0o777
    why = "it holds the CA's key and every secret"
    repeat = f"stat -c %a {shlex.quote(str(state))}"
    yield Seen(Probe("paths/deployer/state", PLACE, "700", why, {}, repeat=repeat, source=PLACE), f"{mode:o}")
    for name in ("ca/key.pem", *_HOMES):
        path = state / name
        outcome = f"{path.stat().st_mode & 0o777:o}" if path.exists() else "absent"
        repeat = f"stat -c %a {shlex.quote(str(path))}"
        yield Seen(Probe(f"paths/deployer/{name}", PLACE, "600", why, {}, repeat=repeat, source=PLACE), outcome)
    homes = {state / name for name in _HOMES}
    where: dict[str, list[str]] = {name: [] for name in secrets}
    count = 0
    for path in _files((state, state.parent, cache)):
        if path in homes:
            continue
        count += 1
        text = _read(path)
        for name, value in secrets.items():
            if value.encode() in text:
                where[name].append(str(path))
    for name, paths in where.items():
        yield Seen(
            Probe(
                f"paths/deployer/files/{name}",
                PLACE,
                NOWHERE_ELSE,
                "no plan, event, log or cache of the deployer's holds it",
                {},
                negative=True,
                source=PLACE,
            ),
            f"in {', '.join(paths[:5])}" if paths else NOWHERE_ELSE,
            f"{count} looked at",
        )


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    """Small regular files, each once; not the systems of files of a lab's machines."""
    seen: set[Path] = set()
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in ("trees", "machines", ".git", ".venv")]
            for name in names:
                path = Path(folder, name)
                if path not in seen and path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST:
                    seen.add(path)
                    yield path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
