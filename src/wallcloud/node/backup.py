"""What a backup takes from the control node: databases at one moment, Keystone's keys, images. It changes nothing.

Everything goes up in the session's own events, each with its bytes behind it: nothing is written to a disk here.
"""

import hashlib
import os
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from wallcloud.frozen import frozen
from wallcloud.node.failure import Cancelled, ResourceFailed
from wallcloud.node.lock import Lock
from wallcloud.node.resources import mariadb_client as client
from wallcloud.node.run import ENVIRONMENT, tail
from wallcloud.node.session import Session

PIECE = 1 << 20
# One transaction sees all databases at one moment, while they are served (mariadb-dump(1)).
_DUMP = (
    *("mariadb-dump", "--no-defaults", "--protocol=socket", "--user=root", "--skip-ssl", "--single-transaction"),
    *("--quick", "--hex-blob", "--routines", "--events", "--skip-dump-date", "--max-allowed-packet=1G"),
    *("--default-character-set=utf8mb4",),
)
_IMAGES = """SELECT id, COALESCE(name, ''), COALESCE(size, 0),
        IF(os_hash_algo = 'sha512', COALESCE(os_hash_value, ''), '')
    FROM glance.images WHERE deleted = 0 AND status IN ('active', 'deactivated')"""
_SERVERS = "SELECT COUNT(*) FROM nova.instances WHERE deleted = 0"
_COMPUTES = "SELECT host, uuid FROM nova.compute_nodes WHERE deleted = 0"
_TRIES = 10


@frozen
class Image:
    """A record of Glance's. `digest`: SHA-512, empty where it was made with another algorithm."""

    id: str
    name: str
    size: int
    digest: str


def backup(request: Mapping[str, Any], session: Session) -> int:
    """Answers `{"op": "backup", "operator", "databases": […], "folders": […], "images": folder or null}`.

    Events: `member` (name, size) and for it `data` (bytes); `weighs` (bytes of images); `told` (images, servers,
    computes); `failed` and `finished` as those of an apply. Returns the exit status.
    """
    lock = Lock(str(request.get("operator", "")))
    holder = lock.take()  # a schema that changes under the dump would be in it half
    if holder is not None:
        session.emit("locked", holder=holder)
        return 4
    try:
        _all(request, session)
    except Cancelled:
        return 3
    except (ResourceFailed, OSError) as error:
        _failed(session, error if isinstance(error, ResourceFailed) else ResourceFailed(str(error)))
        return 1
    session.emit("finished", outcome="ok", applied=0, unchanged=0, planned=0, seconds=0.0)
    return 0


def _all(request: Mapping[str, Any], session: Session) -> None:
    databases = tuple(request["databases"])
    _whole(databases)
    before = _records()
    for number, piece in enumerate(dump(databases)):
        _member(session, f"databases.sql.gz/{number:05}", piece)
    for folder in request["folders"]:
        for name, content in steady(folder).items():
            _member(session, f"keys{folder}/{name}", content)
    # What came while the dump was made may be in it or not: both are of use.
    images = {**before, **_records()}
    store = request["images"]
    session.emit("weighs", bytes=sum(each.size for each in images.values()) if store else 0)
    kept = {each.id: _image(session, each, Path(store)) if store else False for each in images.values()}
    session.emit(
        "told",
        images=[
            {"id": each.id, "name": each.name, "size": each.size, "digest": each.digest, "kept": kept[each.id]}
            for each in images.values()
        ],
        servers=int(client.execute([_SERVERS])),
        computes={host: uuid for host, uuid in client.rows(client.execute([_COMPUTES]))},  # noqa: C416 - pairs, to mypy
    )


def _whole(databases: tuple[str, ...]) -> None:
    """Raises ResourceFailed where the databases are not those of a cloud that serves."""
    server = client.read()
    if server is None:
        raise ResourceFailed("MariaDB does not answer", hint="is wallcloud-mariadb.service running?")
    if client.RESTORE in server.databases:
        raise ResourceFailed(
            "a restore is unfinished: what is there is no whole cloud", hint="finish it: wallcloud restore"
        )
    lacking = [name for name in databases if name not in server.databases or name in server.unfinished]
    if lacking:
        raise ResourceFailed(f"not made yet: the database {', '.join(lacking)}", hint="run: wallcloud apply")


def dump(databases: tuple[str, ...]) -> Iterator[bytes]:
    """All of them in one dump, gzipped, in pieces. Raises ResourceFailed where it is not whole."""
    argv = (*_DUMP, f"--socket={client.SOCKET}", "--databases", *databases)
    packed = zlib.compressobj(6, zlib.DEFLATED, 31)  # 31: with the head of gzip
    with os.fdopen(os.memfd_create("errors"), "w+b") as errors, _started(argv, errors) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        try:
            held = b""
            while data := process.stdout.read(PIECE):
                held += packed.compress(data)
                if len(held) >= PIECE:
                    yield held
                    held = b""
        except BaseException:
            process.kill()
            raise
        if process.wait() != 0:
            errors.seek(0)
            raise ResourceFailed(
                f"mariadb-dump ended with status {process.returncode}",
                tried=" ".join(argv),
                output=tail(errors.read().decode(errors="replace")),
            )
        yield held + packed.flush()


def _started(argv: tuple[str, ...], errors: IO[bytes]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=ENVIRONMENT, cwd="/"
        )
    except FileNotFoundError:
        raise ResourceFailed(f"no program {argv[0]}", tried=" ".join(argv)) from None


def steady(folder: str) -> Mapping[str, bytes]:
    """The files of a folder, by name, at one moment: a rotation in between makes them be read again."""
    for _ in range(_TRIES):
        try:
            seen = _listing(folder)
            found = {name: Path(folder, name).read_bytes() for name, _, _ in seen}
        except FileNotFoundError:
            continue
        if found and _listing(folder) == seen:
            return found
    raise ResourceFailed(f"{folder} is empty, or changes all the time", tried=f"read {folder}", hint="wallcloud apply")


def _listing(folder: str) -> tuple[tuple[str, int, int], ...]:
    with os.scandir(folder) as entries:
        return tuple(sorted((each.name, each.inode(), each.stat().st_mtime_ns) for each in entries if each.is_file()))


def _records() -> dict[str, Image]:
    found = client.rows(client.execute([_IMAGES]))
    return {id: Image(id, name, int(size), digest) for id, name, size, digest in found}


def _image(session: Session, image: Image, store: Path) -> bool:
    """Sends an image's data; whether it is what its record says. One that was deleted meanwhile has none."""
    try:
        file = (store / image.id).open("rb")
    except FileNotFoundError:
        return False
    with file:
        size = os.fstat(file.fileno()).st_size
        if size != image.size:
            return False
        session.emit("member", name=f"images/{image.id}", size=size)
        digest = hashlib.sha512()
        left = size
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise ResourceFailed(f"the image {image.id} became shorter while it was read")
            digest.update(piece)
            session.emit_data("data", piece)
            left -= len(piece)
    return digest.hexdigest() == (image.digest or digest.hexdigest())


def _member(session: Session, name: str, content: bytes) -> None:
    session.emit("member", name=name, size=len(content))
    session.emit_data("data", content)


def _failed(session: Session, failed: ResourceFailed) -> None:
    session.emit(
        "failed",
        index=-1,
        resource={"kind": "backup", "name": "", "component": ""},
        what=failed.what,
        tried=failed.tried,
        output=list(failed.output),
        hint=failed.hint,
    )
    session.emit("finished", outcome="failed", applied=0, unchanged=0, planned=0, seconds=0.0)
