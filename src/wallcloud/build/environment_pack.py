"""Compiles an environment's modules and packs it, the same bytes each time. Standard library only.

Run by Debian's own Python (`/usr/bin/python3 -sP environment_pack.py compile|pack …`), never by the Python that runs
Wallcloud: bytecode, marshal order and zlib then depend on Debian's release alone, so two operators build one digest.

- `compile ENV < list of files`: writes `__pycache__/*.pyc` for each file (paths relative to ENV, one a line). One
  process, one shard: marshal's output depends on what the process compiled before (reference flags of shared
  strings), so that shards are fixed by the caller and compiled in order.
- `pack ENV OUTPUT LEVEL`: a gzip'ed tar of ENV, sorted by name, times 0, owner root, written to OUTPUT.

Bytecode is *unchecked-hash* (PEP 552): valid by itself, whatever times the unpacker gives the sources; the folder
carries its digest in its name, and so never changes under its bytecode. With the usual time stamps one careless copy
would have every start on every node recompile 100 MB of Python.

Progress goes to stdout: a line with the count of files (compile) or bytes (pack) done.
"""

import contextlib
import gzip
import os
import py_compile
import sys
import tarfile
from pathlib import Path
from typing import IO

_MODE = py_compile.PycInvalidationMode.UNCHECKED_HASH
_REPORT_FILES = 50
_REPORT_BYTES = 8 << 20


def compile_files(root: Path, names: list[str]) -> None:
    """Compiles; a file that is no valid Python (templates of code generators) is left without bytecode."""
    for done, name in enumerate(names, start=1):
        # The relative name, so that no path of the deployer's is in the bytecode; import puts the real one in.
        with contextlib.suppress(py_compile.PyCompileError, ValueError):
            py_compile.compile(str(root / name), dfile=name, doraise=True, quiet=2, invalidation_mode=_MODE)
        if done % _REPORT_FILES == 0 or done == len(names):
            print(done, flush=True)


def pack(root: Path, output: Path, level: int) -> None:
    """Writes the archive. Raises OSError."""
    # By parts, so that a folder's whole content follows it: tar gives a folder its time when it leaves it.
    names = [str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
    read = reported = 0
    with output.open("wb") as raw, _zip(raw, level) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name in names:
                entry = archive.gettarinfo(str(root / name), arcname=name)
                entry.type = tarfile.REGTYPE if entry.islnk() else entry.type  # uv links files of its cache
                entry.linkname = entry.linkname if entry.issym() else ""
                entry.size = (root / name).stat().st_size if entry.isreg() else 0
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = "root"
                entry.mtime = 0
                entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
                if entry.issym():
                    entry.mode = 0o777
                if entry.isreg():
                    with (root / name).open("rb") as file:
                        archive.addfile(entry, file)
                else:
                    archive.addfile(entry)
                read += entry.size
                if read - reported > _REPORT_BYTES:
                    reported = read
                    print(read, flush=True)
        zipped.flush()
        raw.flush()
        os.fsync(raw.fileno())
    print(read, flush=True)


def _zip(raw: IO[bytes], level: int) -> gzip.GzipFile:
    return gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=raw, mtime=0)


def main(arguments: list[str]) -> int:
    """The program. Returns its exit status."""
    match arguments:
        case ["compile", root]:
            compile_files(Path(root), sys.stdin.read().splitlines())
        case ["pack", root, output, level]:
            pack(Path(root), Path(output), int(level))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
