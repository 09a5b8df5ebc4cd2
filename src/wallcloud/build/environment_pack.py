"""Compiles an environment's modules and packs it, the same bytes each time. Standard library and squashfs-tools only.

Run by Debian's own Python (`/usr/bin/python3 -sP environment_pack.py compile|pack …`), never by the Python that runs
Wallcloud: bytecode, marshal order and compression then depend on Debian's release alone, so two operators build one
digest.

- `compile ENV < list of files`: writes `__pycache__/*.pyc` for each file (paths relative to ENV, one a line). One
  process, one shard: marshal's output depends on what the process compiled before (reference flags of shared
  strings), so that shards are fixed by the caller and compiled in order.
- `pack ENV OUTPUT`: a squashfs image of ENV (zstd), sorted by name, times 0, owner root, written to OUTPUT by
  mksquashfs(1).

Bytecode is *unchecked-hash* (PEP 552): valid by itself, whatever times the image gives the sources; its path carries
its digest, and so never changes under its bytecode. With the usual time stamps one careless copy would have every
start on every node compile 100 MB of Python.

Progress goes to stdout: a line with the count of files (compile) or bytes (pack) done.
"""

import contextlib
import os
import py_compile
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import IO

_MODE = py_compile.PycInvalidationMode.UNCHECKED_HASH
# zstd at its default level (15) packs for half a minute; at 6 it is 7 % larger, and read as fast. Not sqfstar(1), which
# takes no level in 4.5.1.
_OPTIONS = (
    *("-tar", "-quiet", "-no-progress", "-exit-on-error", "-no-xattrs", "-no-exports", "-no-hardlinks", "-all-root"),
    *("-comp", "zstd", "-Xcompression-level", "6", "-mkfs-time", "0", "-all-time", "0", "-root-mode", "755"),
)
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


def pack(root: Path, output: Path) -> None:
    """Writes the image. Raises OSError, CalledProcessError."""
    output.unlink(missing_ok=True)  # it would add to what is there
    argv = ("mksquashfs", "-", str(output), *_OPTIONS)
    # No SOURCE_DATE_EPOCH: it and -mkfs-time exclude each other.
    with subprocess.Popen(argv, stdin=subprocess.PIPE, env={"PATH": "/usr/bin:/bin"}) as process:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with contextlib.suppress(BrokenPipeError):  # it has said why, and its status tells
            _write(root, process.stdin)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    with output.open("rb") as image:
        os.fsync(image.fileno())


def _write(root: Path, output: IO[bytes]) -> None:
    """A tar archive of `root`, of which squashfs-tools take names, kinds and modes."""
    # By parts, so that a folder's whole content follows it.
    names = [str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
    read = reported = 0
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.GNU_FORMAT) as archive:
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
    print(read, flush=True)


def main(arguments: list[str]) -> int:
    """The program. Returns its exit status."""
    match arguments:
        case ["compile", root]:
            compile_files(Path(root), sys.stdin.read().splitlines())
        case ["pack", root, output]:
            pack(Path(root), Path(output))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
