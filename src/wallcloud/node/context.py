"""What resources see of a run: secrets, caches, the deployer. Every part of a spec runs in a thread of its own."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from wallcloud.node.failure import ResourceFailed
from wallcloud.node.resource import Resource, Signed, SignRequest
from wallcloud.node.secret import Text, fill
from wallcloud.node.session import Session
from wallcloud.node.spec import Spec

T = TypeVar("T")


class Memory:
    """What was made under a key, for many threads: made once while they wait, and never kept once it was forgotten.

    A value that was begun before `forget` is handed to those who asked before it and to nobody after.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, _Value] = {}

    def get(self, key: str, make: Callable[[], T]) -> T:
        """`key`'s value, made where it is not there. What `make` raises goes to all who wait, and is not kept."""
        with self._lock:
            found = self._values.get(key)
            mine = found is None
            value = self._values[key] = found or _Value()
        if mine:
            try:
                value.made = make()
            except BaseException as error:
                value.error = error
                with self._lock:
                    if self._values.get(key) is value:
                        del self._values[key]
                raise
            finally:
                value.done.set()
        else:
            value.done.wait()
        if value.error is not None:
            raise value.error
        return cast(T, value.made)

    def forget(self, key: str | None = None) -> None:
        """Drops one value, or all; those that are being made are not kept."""
        with self._lock:
            if key is None:
                self._values.clear()
            else:
                self._values.pop(key, None)


class _Value:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.made: Any = None
        self.error: BaseException | None = None


class Run:
    """One plan or apply of one spec; a `resource.Context`."""

    def __init__(self, spec: Spec, secrets: Mapping[str, str], session: Session, *, planning: bool) -> None:
        self._spec = spec
        self._secrets = secrets
        self._session = session
        self._planning = planning
        self._cache = Memory()
        self._kept = Memory()
        self._touched: set[str] = set()
        self._disturbed = False
        self._hand = threading.local()

    def take(self, index: int) -> None:
        """This thread has resource `index` in hand from now on."""
        self._hand.index = index

    @property
    def planning(self) -> bool:
        return self._planning

    @property
    def resources(self) -> tuple[Resource, ...]:
        return self._spec.resources

    def secret(self, name: str) -> str:
        try:
            return self._secrets[name]
        except KeyError:
            raise ResourceFailed(
                f"the secret {name} did not come with the spec",
                tried="fill in secrets",
                hint="this is a fault of Wallcloud's design, not of the node",
            ) from None

    def fill(self, text: Text) -> str:
        return fill(text, self.secret)

    def cached(self, key: str, make: Callable[[], T]) -> T:
        return self._cache.get(key, make)

    def kept(self, key: str, make: Callable[[], T]) -> T:
        return self._kept.get(key, make)

    def forget(self, key: str) -> None:
        self._cache.forget(key)
        self._kept.forget(key)

    @property
    def disturbed(self) -> bool:
        return self._disturbed

    def touched(self, path: str) -> bool:
        return path in self._touched

    def touch(self, paths: tuple[str, ...]) -> None:
        """Notes files whose content was changed, or would be."""
        self._touched.update(paths)

    def changed(self) -> None:
        """The node is not as it was: what was read from it is forgotten."""
        self._disturbed = True
        self._cache.forget()

    def note(self, note: str, done: int | None = None, total: int | None = None) -> None:
        self._session.emit("progress", index=getattr(self._hand, "index", -1), note=note, done=done, total=total)

    def blobs(self, digests: tuple[str, ...]) -> Mapping[str, Path]:
        return self._session.blobs(digests)

    def stream(self, name: str) -> Iterator[bytes]:
        return self._session.stream(name)

    def sign(self, request: SignRequest) -> Signed:
        self._session.emit(
            "sign",
            id=request.id,
            csr=request.csr,
            subject=request.subject,
            names=list(request.names),
            use=list(request.use),
            days=request.days,
        )
        return self._session.signed(request.id)

    def confirm(self, seconds: int) -> bool:
        return self._session.confirmed(seconds)
