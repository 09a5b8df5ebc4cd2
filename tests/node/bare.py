"""A context without a session, for kinds that only look at files."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from wallcloud.node.resource import Resource, ResourceFailed, Signed, SignRequest
from wallcloud.node.secret import Text, fill

T = TypeVar("T")


class Bare:
    """A resource.Context that remembers nothing between reads."""

    def __init__(self, *resources: Resource, planning: bool = False, **secrets: str) -> None:
        self._resources = resources
        self._secrets = secrets
        self._planning = planning
        self.notes: list[str] = []
        self.altered: set[str] = set()

    @property
    def planning(self) -> bool:
        return self._planning

    @property
    def resources(self) -> tuple[Resource, ...]:
        return self._resources

    def secret(self, name: str) -> str:
        return self._secrets[name]

    def fill(self, text: Text) -> str:
        return fill(text, self.secret)

    def cached(self, key: str, make: Callable[[], T]) -> T:
        return make()

    def kept(self, key: str, make: Callable[[], T]) -> T:
        return make()

    def forget(self, key: str) -> None: ...

    @property
    def disturbed(self) -> bool:
        return False

    def touched(self, path: str) -> bool:
        return path in self.altered

    def note(self, note: str, done: int | None = None, total: int | None = None) -> None:
        self.notes.append(note)

    def blobs(self, digests: tuple[str, ...]) -> Mapping[str, Path]:
        raise ResourceFailed("no deployer here")

    def stream(self, name: str) -> Iterator[bytes]:
        raise ResourceFailed("no deployer here")

    def sign(self, request: SignRequest) -> Signed:
        raise ResourceFailed("no deployer here")

    def confirm(self, seconds: int) -> bool:
        return False


def differing(resource: Resource, context: Any) -> list[str]:
    """Names of the properties that differ."""
    return [change.property for change in resource.compare(context)]
