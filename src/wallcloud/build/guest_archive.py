"""The initramfs as bytes: a `cpio` archive in the kernel's "newc" form, and what is taken out of Debian's packages."""

from __future__ import annotations

import gzip
import stat
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from wallcloud.errors import WallcloudError


def take(deb: Path, wanted: Callable[[str], str | None]) -> dict[str, bytes]:
    """The files of a .deb for which `wanted` (path in the package, without the leading `./`) gives a name.

    A symbolic link stands for the file of the same package that it leads to. Raises WallcloudError.
    """
    found: dict[str, bytes] = {}
    links: dict[str, str] = {}
    every: dict[str, bytes] = {}
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    path = member.name.removeprefix("./").removeprefix("/")
                    name = wanted(path)
                    if member.issym() and name:
                        links[name] = str(PurePosixPath(path).parent / member.linkname)
                    elif member.isreg() and (name or _library(path)):
                        file = archive.extractfile(member)
                        content = file.read() if file else b""
                        every[path] = content
                        if name:
                            found[name] = content
        except tarfile.TarError as error:
            raise WallcloudError(f"{deb.name} cannot be read: {error}", hint="try again with --refresh") from error
    if process.returncode:
        raise WallcloudError(f"dpkg-deb cannot read {deb.name}", hint="try again with --refresh")
    return {**found, **{name: every[target] for name, target in links.items() if target in every}}


def _library(path: str) -> bool:
    return ".so." in path


def initramfs(files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str], folders: tuple[str, ...]) -> bytes:
    """The compressed archive: `files` (path -> content and mode), symbolic `links` (path -> target), empty `folders`.

    The same input gives the same bytes. Folders of files are made, mode 0755; everything is root's, of the year 1970.
    gzip, because the kernel knows it in every configuration and it needs no program here.
    """
    needed = {str(parent) for path in (*files, *links) for parent in PurePosixPath(path).parents} | set(folders)
    entries = [(path, stat.S_IFDIR | 0o755, b"") for path in needed - {"."}]
    entries += [(path, stat.S_IFREG | mode, content) for path, (content, mode) in files.items()]
    entries += [(path, stat.S_IFLNK | 0o777, target.encode()) for path, target in links.items()]
    parts = [_entry(number, *entry) for number, entry in enumerate(sorted(entries), 1)]
    return gzip.compress(b"".join(parts) + _entry(0, "TRAILER!!!", 0, b""), compresslevel=9, mtime=0)


def _entry(number: int, path: str, mode: int, content: bytes) -> bytes:
    """One member: a head of thirteen hexadecimal numbers, name and content each padded to four bytes."""
    name = path.encode() + b"\0"
    numbers = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % each for each in numbers) + name
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)
