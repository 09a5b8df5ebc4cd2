"""What resources see of a run: secrets, caches, the deployer."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from wallcloud.node.failure import ResourceFailed
from wallcloud.node.resource import Resource, Signed, SignRequest
from wallcloud.node.secret import Text, fill
from wallcloud.node.session import Session
from wallcloud.node.spec import Spec

T = TypeVar("T")


class Run:
    """One plan or apply of one spec; a `resource.Context`."""

    def __init__(self, spec: Spec, secrets: Mapping[str, str], session: Session, *, planning: bool) -> None:
        self._spec = spec
        self._secrets = secrets
        self._session = session
        self._planning = planning
        self._cache: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._touched: set[str] = set()
        self.index = 0

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
        if key not in self._cache:
            self._cache[key] = make()
        return cast(T, self._cache[key])

    def kept(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return cast(T, self._kept[key])

    def forget(self, key: str) -> None:
        self._cache.pop(key, None)
        self._kept.pop(key, None)

    def touched(self, path: str) -> bool:
        return path in self._touched

    def touch(self, paths: tuple[str, ...]) -> None:
        """Notes files whose content was changed, or would be."""
        self._touched.update(paths)

    def changed(self) -> None:
        """The node is not as it was: what was read from it is forgotten."""
        self._cache.clear()

    def note(self, note: str, done: int | None = None, total: int | None = None) -> None:
        self._session.emit("progress", index=self.index, note=note, done=done, total=total)

    def blobs(self, digests: tuple[str, ...]) -> Mapping[str, Path]:
        return self._session.blobs(digests)

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
