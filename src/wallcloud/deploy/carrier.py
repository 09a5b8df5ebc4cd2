"""What a session carries to a node: a zipapp of `wallcloud/node` (beside `frozen`, standard library only), a loader."""

from __future__ import annotations

import io
import json
import py_compile
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import wallcloud.frozen
import wallcloud.node
from wallcloud.build.cache import Cache, Result, key_of

LOADER = """
import hashlib, json, os, sys
stdin = sys.stdin.buffer
head = json.loads(stdin.readline())
app = stdin.read(head["app"])
if hashlib.sha256(app).hexdigest() != head["sha256"]:
    sys.exit("wallcloud: the program did not arrive whole")
handle = os.memfd_create("wallcloud")
with os.fdopen(handle, "wb", closefd=False) as file:
    file.write(app)
sys.path.insert(0, f"/proc/self/fd/{handle}")
from wallcloud.node.__main__ import main
main()
"""
"""Runs on the node as `python3 -I -c`: nothing of Wallcloud stays there between sessions."""


@cache
def zipapp() -> bytes:
    """The program, byte for byte the same for the same sources; kept in the cache, because compiling takes a while.

    Sources come with bytecode of this interpreter: a node with the same version of Python saves compiling them, any
    other ignores it (zipimport checks the magic number).
    """
    sources = _sources()
    store = Cache()
    key = key_of("carrier", MAGIC_NUMBER.hex(), {name: sha256(source).hexdigest() for name, source in sources.items()})
    found = store.result(key)
    if found is not None:
        kept = store.blob(found.digest).read_bytes()
        if sha256(kept).hexdigest() == found.digest:
            return kept
    made = pack(sources)
    store.record(key, Result(store.add_bytes(made)))
    return made


def _sources() -> dict[str, bytes]:
    root = Path(next(iter(wallcloud.node.__path__)))
    node = {f"wallcloud/node/{path.relative_to(root)}": path.read_bytes() for path in sorted(root.rglob("*.py"))}
    beside = {"wallcloud/__init__.py": b"", "wallcloud/frozen.py": Path(wallcloud.frozen.__file__).read_bytes()}
    return {**beside, **node}


def pack(sources: Mapping[str, bytes]) -> bytes:
    """A zip archive of `sources` (by name) and their bytecode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive, tempfile.TemporaryDirectory() as scratch:
        for name, source in sources.items():
            _add(archive, name, source, Path(scratch))
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, scratch: Path) -> None:
    source = scratch / "source.py"
    source.write_bytes(content)
    compiled = scratch / "source.pyc"
    py_compile.compile(
        str(source),
        str(compiled),
        dfile=name,
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    for entry, data in ((name, content), (name + "c", compiled.read_bytes())):
        archive.writestr(zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0)), data)


@cache
def head() -> bytes:
    """The first line of a session: how long the program is, and its digest."""
    app = zipapp()
    return json.dumps({"app": len(app), "sha256": sha256(app).hexdigest()}).encode() + b"\n"
