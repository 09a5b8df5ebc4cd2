"""Files as the kinds see them: what stands at a path, whose it is, and how it is written so that nobody sees half."""

# ruff: noqa: PTH104, PTH106, PTH108, PTH115, PTH123, PTH211 - the kernel's own calls, so that a link is never followed by chance
import grp
import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from wallcloud.node.failure import ResourceFailed


def status(path: str) -> os.stat_result | None:
    """What stands at `path` itself (a link is not followed); None = nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def type_of(found: os.stat_result, path: str) -> str:
    """ "file", "directory", "link to …" or what else it is."""
    mode = found.st_mode
    if stat.S_ISLNK(mode):
        return f"link to {os.readlink(path)}"
    names = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISSOCK, "socket"), (stat.S_ISFIFO, "fifo"))
    return next((name for test, name in names if test(mode)), "device")


def owner_of(found: os.stat_result) -> dict[str, str]:
    """{"owner", "group", "mode"} as names and four octal digits; numbers where there is no name."""
    return {
        "owner": _name(found.st_uid, lambda number: pwd.getpwuid(number).pw_name),
        "group": _name(found.st_gid, lambda number: grp.getgrgid(number).gr_name),
        "mode": mode_text(stat.S_IMODE(found.st_mode)),
    }


def mode_text(mode: int) -> str:
    """0o644 → "0644"."""
    return f"{mode:04o}"


def ids(owner: str, group: str) -> tuple[int, int]:
    """Numbers of an account and a group. Raises ResourceFailed where the node has none of that name."""
    try:
        uid = pwd.getpwnam(owner).pw_uid
    except KeyError:
        raise _nobody("account", owner) from None
    try:
        return uid, grp.getgrnam(group).gr_gid
    except KeyError:
        raise _nobody("group", group) from None


def write(path: str, data: bytes, owner: str, group: str, mode: int) -> None:
    """Puts a file with `data` at `path` in one step: written beside, owner and mode set, synced, renamed.

    The file beside has a fixed name, so that one which a kill left is taken away by the next try.
    """
    uid, gid = ids(owner, group)
    beside = temporary(path)
    discard(beside)
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        raise ResourceFailed(
            f"the directory of {path} does not exist",
            tried=f"write {path}",
            hint=f"a Directory {Path(path).parent} is missing before it in the spec",
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        place(beside, path)
    except BaseException:
        discard(beside)
        raise


def place(beside: str, path: str) -> None:
    """Renames `beside` to `path`, whatever file or empty directory stands there, and syncs the directory."""
    found = status(path)
    if found is not None and stat.S_ISDIR(found.st_mode):
        remove_empty(path)
    os.rename(beside, path)
    sync(str(Path(path).parent))


def link(path: str, target: str) -> None:
    """Puts a symbolic link at `path` in one step."""
    beside = temporary(path)
    discard(beside)
    os.symlink(target, beside)
    place(beside, path)


def remove_empty(path: str) -> None:
    """Removes the directory that stands where something else must be; refused if it holds anything."""
    try:
        os.rmdir(path)
    except OSError as error:
        raise ResourceFailed(
            f"a directory stands at {path} and is not empty",
            tried=f"rmdir {path}: {error.strerror}",
            hint=f"look at what is in it, then move it away: mv {path} {path}.old",
        ) from None


def own(path: str, owner: str, group: str, mode: int) -> None:
    """Sets owner and mode of the file or directory at `path`, never of what a link points to."""
    uid, gid = ids(owner, group)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def temporary(path: str) -> str:
    """The name beside `path` under which it is made."""
    return str(Path(path).with_name(f".{Path(path).name}.wallcloud"))


def discard(path: str) -> None:
    """Removes the file at `path` if there is one."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def sync(directory: str) -> None:
    """Makes renames in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: str, most: int = 1 << 20) -> str:
    """The text of a file; a note in its place where it is longer than `most` bytes or not UTF-8."""
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        return f"«more than {most} bytes»"
    try:
        return data.decode()
    except UnicodeDecodeError:
        from hashlib import sha256  # noqa: PLC0415 - rarely

        return f"«not text, sha256 {sha256(data).hexdigest()}»"


def _name(number: int, look: Callable[[int], str]) -> str:
    try:
        return look(number)
    except KeyError:
        return str(number)


def _nobody(what: str, name: str) -> ResourceFailed:
    return ResourceFailed(
        f"no {what} {name} on this node",
        tried=f"look up {what} {name}",
        hint="the spec must make it, or install the package that does, earlier",
    )
