"""The wire: JSON lines and blobs in from the deployer, event lines out. One thread reads; nothing here can deadlock.

A waiter sleeps on one condition until what it waits for has come, or until the deployer has cancelled or is gone.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from wallcloud.node.failure import Cancelled, ResourceFailed
from wallcloud.node.resource import Signed
from wallcloud.node.stream import Streams

BLOBS = Path("/var/cache/wallcloud/blobs")
CHUNK = 1 << 20
T = TypeVar("T")


class Session:
    """Both directions. `events` is the original stdout; `secrets` are kept out of whatever goes there."""

    def __init__(self, source: BinaryIO, events: BinaryIO, blobs: Path = BLOBS) -> None:
        self._source = source
        self._events = events
        self._blobs = blobs
        self._news = threading.Condition()
        self._writing = threading.Lock()
        self._milestones: set[str] = set()
        self._milestones_failed: dict[str, str] = {}
        self._certificates: dict[str, Signed] = {}
        self._refused: dict[str, str] = {}
        self._bad_blobs: dict[str, str] = {}
        self._streams = Streams(self._news)
        self._confirmations = 0
        self._stop = ""
        self._stopping = threading.Lock()
        self._on_stop: Callable[[], None] = lambda: None
        self._secrets: tuple[str, ...] = ()
        self._heard = time.monotonic()

    # -- out

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Values that no event may hold, should some program's own output quote one."""
        self._secrets = tuple(sorted({value for value in secrets.values() if len(value) > 3}, key=len, reverse=True))

    def emit(self, event: str, **fields: Any) -> None:
        """Writes one event. A deployer that is gone stops the run, it does not break it."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **self._clean(fields)}, separators=(",", ":"))
        with self._writing:
            try:
                self._events.write(line.encode() + b"\n")
                self._events.flush()
            except (OSError, ValueError):
                self.stop("the deployer is gone")

    def emit_data(self, event: str, data: bytes) -> None:
        """Writes one event, and `data` behind its line. Raises Cancelled where the deployer is gone."""
        line = json.dumps({"event": event, "bytes": len(data)}, separators=(",", ":"))
        with self._writing:
            try:
                self._events.write(line.encode() + b"\n" + data)
                self._events.flush()
            except (OSError, ValueError):
                self.stop("the deployer is gone")
        if self._stop:
            raise Cancelled(self._stop)

    def _clean(self, value: Any) -> Any:
        if not self._secrets:
            return value
        if isinstance(value, str):
            for secret in self._secrets:
                if secret in value:
                    value = value.replace(secret, "«secret»")
            return value
        if isinstance(value, dict):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in value]
        return value

    # -- in

    def request(self) -> dict[str, Any] | None:
        """The next request; None where the deployer has no more. Raises ValueError where it is none."""
        line = self._source.readline()
        if not line:
            return None
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ValueError("the deployer sent no request")
        return request

    def listen(self, on_stop: Callable[[], None] = lambda: None, silence: float | None = None) -> None:
        """Reads everything that comes from now on, in a thread; `on_stop` is called once when the run is to stop.

        A deployer that is not heard for `silence` seconds is gone, though TCP holds the connection for hours.
        """
        self._on_stop = on_stop
        threading.Thread(target=self._read, name="stdin", daemon=True).start()
        if silence is not None:
            self._heard = time.monotonic()
            threading.Thread(target=self._stop_in_silence, args=(silence,), name="silence", daemon=True).start()

    def _read(self) -> None:
        try:
            while line := self._source.readline():
                self._receive(json.loads(line))
            self.stop("the deployer is gone")
        except Exception as error:  # whatever it is, the run must hear of it, or it would wait for ever
            self.stop(f"what the deployer sent is not understood ({type(error).__name__})")

    def _hear(self) -> None:
        self._heard = time.monotonic()

    def _receive(self, message: dict[str, Any]) -> None:
        self._hear()
        match message["op"]:
            case "alive":
                return
            case "milestone":
                self._tell(lambda: self._milestones.add(message["name"]))
            case "milestone-failed":
                self._tell(lambda: self._milestones_failed.update({message["name"]: message["why"]}))
            case "certificate":
                signed = Signed(message["pem"], message["ca"])
                self._tell(lambda: self._certificates.update({message["id"]: signed}))
            case "certificate-refused":
                self._tell(lambda: self._refused.update({message["id"]: message["why"]}))
            case "blob":
                self._receive_blob(message["digest"], message["size"])
            case "stream":
                name, size = message["name"], message["size"]
                self._streams.receive(self._source, name, size, last=message["last"], alive=self._hear)
            case "confirm":
                self._tell(self._confirm)
            case "cancel":
                self.stop("cancelled")

    def _receive_blob(self, digest: str, size: int) -> None:
        """Streams `size` bytes to a file; it gets its name only when the digest is right."""
        failure = ""
        self._blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._blobs / f".{digest}.part"
        hashed, left = sha256(), size
        try:
            file: BinaryIO | None = beside.open("wb")
        except OSError as error:
            file, failure = None, f"cannot be written: {error.strerror}"
        while left:
            chunk = self._source.read(min(CHUNK, left))
            if not chunk:
                raise EOFError
            left -= len(chunk)
            self._hear()
            if file is not None:
                try:
                    hashed.update(chunk)
                    file.write(chunk)
                except OSError as error:  # a full disk: the rest is read and dropped, so that the frames stay in step
                    failure = f"cannot be written: {error.strerror}"
                    _close(file)
                    file = None
        if file is not None:
            file.close()
            if hashed.hexdigest() == digest:
                beside.rename(self._blobs / digest)
            else:
                failure = "arrived with another digest"
        beside.unlink(missing_ok=True)
        self._tell(lambda: self._bad_blobs.update({digest: failure} if failure else {}))

    def _stop_in_silence(self, seconds: float) -> None:
        with self._news:
            while not self._stop and (left := self._heard + seconds - time.monotonic()) > 0:
                self._news.wait(left)
        self.stop("the deployer is silent")

    def _confirm(self) -> None:
        self._confirmations += 1

    def _tell(self, change: Callable[[], object]) -> None:
        with self._news:
            change()
            self._news.notify_all()

    # -- stop

    def stop(self, why: str) -> None:
        """What is in hand is finished, then nothing more is begun. May be called in a signal's handler."""
        if not self._stopping.acquire(blocking=False):  # taken once and for all; never waited for in a handler
            return
        self._stop = why
        self._on_stop()
        threading.Thread(target=self._tell, args=(lambda: None,), daemon=True).start()

    @property
    def stopped(self) -> str:
        """Why the run is to stop; empty = it is not."""
        return self._stop

    # -- waiting

    def _wait(self, ready: Callable[[], T | None], seconds: float | None = None) -> T | None:
        """`ready()` as soon as it is not None; None after `seconds`. Raises Cancelled."""
        with self._news:
            self._news.wait_for(lambda: self._stop or ready() is not None, seconds)
            result = ready()
            if result is None and self._stop:
                raise Cancelled(self._stop)
            return result

    def published(self, name: str) -> None:
        """A milestone of this node's own."""
        self._tell(lambda: self._milestones.add(name))

    def unreachable(self, name: str, why: str) -> None:
        """A milestone of this node's own that does not come in this run."""
        self._tell(lambda: self._milestones_failed.setdefault(name, why))

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Milestones of `names` that are not reached yet."""
        with self._news:
            return tuple(name for name in names if name not in self._milestones)

    def await_milestones(self, names: tuple[str, ...]) -> None:
        """Waits for all of `names`. Raises ResourceFailed as soon as one of them cannot come any more."""

        def ready() -> bool | str | None:
            failed = next((name for name in names if name in self._milestones_failed), None)
            return failed if failed is not None else True if self._milestones.issuperset(names) else None

        failed = self._wait(ready)
        if isinstance(failed, str):
            raise ResourceFailed(
                f"waited for “{failed}”, which cannot be reached: {self._milestones_failed[failed]}",
                tried=f"wait for milestone {failed}",
                hint="mend the node that publishes it; this node goes on from here with the next apply",
            )

    def blobs(self, digests: tuple[str, ...]) -> dict[str, Path]:
        """Asks for those that are not here and waits for them."""
        lacking = [digest for digest in dict.fromkeys(digests) if not (self._blobs / digest).is_file()]
        if lacking:
            self.emit("need-blobs", digests=lacking)
            self._wait(lambda: self._blobs_here(lacking))
        for digest in lacking:
            if why := self._bad_blobs.pop(digest, ""):
                raise ResourceFailed(
                    f"the file {digest[:16]} {why}",
                    tried=f"receive it into {self._blobs}",
                    hint="is the disk full? df -h",
                )
        return {digest: self._blobs / digest for digest in digests}

    def stream(self, name: str) -> Iterator[bytes]:
        """Asks for what the deployer keeps under `name`, and gives it in pieces. Raises Cancelled before its end."""
        self._streams.open(name)
        self.emit("need-stream", name=name)
        return self._streams.pieces(name, self._wait)

    def forget_blobs(self) -> None:
        """Takes away what was received and is needed no more."""
        for each in self._blobs.iterdir() if self._blobs.is_dir() else ():
            each.unlink(missing_ok=True)

    def _blobs_here(self, digests: list[str]) -> bool | None:
        return all(digest in self._bad_blobs or (self._blobs / digest).is_file() for digest in digests) or None

    def signed(self, name: str) -> Signed:
        """The certificate that was asked for under `name`. Raises ResourceFailed where it is refused."""
        self._wait(lambda: self._certificates.get(name) or self._refused.get(name))
        if name in self._refused:
            raise ResourceFailed(
                f"the deployer does not sign it: {self._refused.pop(name)}", tried="send a certificate request"
            )
        return self._certificates.pop(name)

    def confirmed(self, seconds: float) -> bool:
        """Whether a confirmation comes within `seconds` from now."""
        before = self._confirmations
        self.emit("confirm-wanted", seconds=seconds)
        try:
            return self._wait(lambda: self._confirmations > before or None, seconds) is not None
        except Cancelled:
            return False


def _close(file: BinaryIO) -> None:
    try:
        file.close()
    except OSError:
        return
