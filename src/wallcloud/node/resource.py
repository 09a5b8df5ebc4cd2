"""A resource: one thing that a node shall have. Read, compare and apply are all there is to it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from wallcloud.frozen import frozen
from wallcloud.node.failure import Cancelled, ResourceFailed
from wallcloud.node.secret import Text

__all__ = ["Cancelled", "Change", "Context", "Resource", "ResourceFailed", "SignRequest", "Signed", "State", "Value"]

Value: TypeAlias = str | int | bool | tuple[str, ...] | None
State: TypeAlias = Mapping[str, Value]
T = TypeVar("T")


@frozen
class Change:
    """One property that differs. `before` is None where the resource is absent. Never holds a secret:

    with `secret`, `before` and `after` are None. Long texts stand in `diff` (unified), not in `before` and `after`.
    """

    property: str
    before: Value
    after: Value
    secret: bool = False
    diff: str | None = None


@frozen
class SignRequest:
    """A certificate request that goes up to the deployer, who holds the site's CA."""

    id: str
    csr: str
    subject: str
    names: tuple[str, ...]
    use: tuple[str, ...]
    days: int


@frozen
class Signed:
    """What comes back: the certificate (chain) and the CA, both PEM."""

    pem: str
    ca: str


class Context(Protocol):
    """What a resource may use besides the node itself."""

    @property
    def planning(self) -> bool:
        """True in `plan`: nothing may be written, nothing is awaited."""

    @property
    def resources(self) -> "tuple[Resource, ...]":
        """The whole spec of this node, in order; exclusive sets look here for what may stay."""

    def secret(self, name: str) -> str:
        """The value of a secret. Raises ResourceFailed when the session brought none of that name."""

    def fill(self, text: Text) -> str:
        """`text` with its holes filled."""

    def cached(self, key: str, make: Callable[[], T]) -> T:
        """`make()`, remembered until the next apply of any resource ends: for reads that serve many resources.

        Of several threads one makes it and the others wait; `make` may ask for other keys, not for its own.
        """

    def kept(self, key: str, make: Callable[[], T]) -> T:
        """`make()`, remembered in memory for the whole session (a token)."""

    def forget(self, key: str) -> None:
        """Drops what `kept` or `cached` remembers under `key`."""

    @property
    def disturbed(self) -> bool:
        """Whether something was applied in this run: what was read of many things at once holds no more."""

    def touched(self, path: str) -> bool:
        """Whether a resource earlier in this run changed `path`, or would in a plan."""

    def note(self, note: str, done: int | None = None, total: int | None = None) -> None:
        """Tells the deployer what is in hand; `done` of `total`."""

    def blobs(self, digests: tuple[str, ...]) -> Mapping[str, Path]:
        """Files with these sha256 digests, fetched from the deployer where absent. Only in apply."""

    def stream(self, name: str) -> Iterator[bytes]:
        """What the deployer keeps under `name`, in pieces that no disk sees. Only in apply of a restore."""

    def sign(self, request: SignRequest) -> Signed:
        """Has a certificate signed by the deployer. Only in apply. Raises ResourceFailed when refused."""

    def confirm(self, seconds: int) -> bool:
        """Asks the deployer to confirm over a new connection; False when it did not within `seconds`."""


@frozen(kw_only=True)
class Resource:
    """Base of all kinds. `component` and `reason` are for people; milestones order work between nodes.

    A subclass is a frozen, kw_only dataclass with a `kind`; it is registered under that by being defined.
    """

    kind: ClassVar[str] = ""
    hidden: ClassVar[frozenset[str]] = frozenset()
    """Properties whose values are secrets: shown as changed or not, never as text."""
    aside: ClassVar[bool] = False
    """Whether it takes long and touches nothing of what stands next to it: such neighbours are taken side by side."""
    registry: ClassVar[dict[str, "type[Resource]"]] = {}

    component: str = ""
    reason: str = ""
    publishes: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.kind:
            Resource.registry[cls.kind] = cls

    @property
    def name(self) -> str:
        """What people call it: a path, a unit, an account."""
        raise NotImplementedError

    def desired(self, ctx: Context) -> State:
        """The wanted value of every property; never empty."""
        raise NotImplementedError

    def read(self, ctx: Context) -> State | None:
        """The present value of every property; None = absent. Changes nothing."""
        raise NotImplementedError

    def ahead(self, ctx: Context) -> None:
        """Slow reads that `ctx.cached` keeps, begun beside everything else before its turn. Errors are told then."""

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        """Makes the node as desired; `changes` is what differs. Killed anywhere, it can be run again."""
        raise NotImplementedError

    def consequence(self, changes: tuple[Change, ...]) -> str:
        """What applying `changes` does to those who use the node ("restarts x.service"); empty = nothing."""
        return ""

    def paths(self) -> tuple[str, ...]:
        """The files that this resource owns: they stay in an exclusive directory."""
        return ()

    def alters(self, changes: tuple[Change, ...]) -> tuple[str, ...]:
        """Files whose content `changes` would alter: a unit that was started with one of them is then stale."""
        return self.paths()

    def asked_units(self) -> tuple[str, ...]:
        """The systemd units whose properties this resource reads: those of all resources are asked in one call."""
        return ()

    def describe(self, ctx: Context, name: str, before: Value, after: Value) -> Change:
        """How the difference of one property is shown."""
        if name in self.hidden:
            return Change(name, None, None, secret=True)
        if any(isinstance(value, str) and "\n" in value for value in (before, after)):
            return Change(name, lines(before), lines(after), diff=unified(str(before or ""), str(after or "")))
        return Change(name, before, after)

    def compare(self, ctx: Context) -> tuple[Change, ...]:
        """Reads the node and lists every property that differs from what is desired. Empty = nothing to do."""
        wanted, found = self.desired(ctx), self.read(ctx)
        if found is None:
            return tuple(self.describe(ctx, name, None, value) for name, value in wanted.items())
        return tuple(
            self.describe(ctx, name, found.get(name), value)
            for name, value in wanted.items()
            if found.get(name) != value
        )


def changed(changes: tuple[Change, ...], *names: str) -> bool:
    """Whether one of the properties `names` is among `changes`."""
    return any(change.property in names for change in changes)


def lines(value: Value) -> Value:
    """A long text in short: how many lines it has."""
    return f"{len(value.splitlines())} lines" if isinstance(value, str) else value


def unified(before: str, after: str) -> str:
    """A unified diff without file names."""
    from difflib import unified_diff  # noqa: PLC0415 - only where something differs

    return "\n".join(list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:])
