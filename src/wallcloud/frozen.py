"""`@frozen`: a frozen dataclass (dataclasses, PEP 681) that is cheap to define.

`dataclass(frozen=True)` writes and compiles six methods for each class, which was more than half of a node's start and
a third of the command's. Here it writes `__init__`; comparing, hashing and showing are the same functions for all
classes, and it is the type checker alone that refuses to set a field.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Makes a class a dataclass that compares, hashes and shows by its fields, which nobody sets again."""
    if cls is None:
        return lambda later: _made(later, kw_only)
    return _made(cls, kw_only)


def _made(cls: type[T], kw_only: bool) -> type[T]:
    own = {name: method for name, method in _METHODS.items() if vars(cls).get(name) is None}
    made = dataclass(cls, kw_only=kw_only, eq=False, repr=False)
    for name, method in own.items():
        setattr(made, name, method)
    return made


@cache
def _values(cls: Any) -> Callable[[Any], object]:
    names = [each.name for each in fields(cls) if each.compare]
    return attrgetter(*names) if names else lambda _: ()


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = _values(self.__class__)
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(_values(self.__class__)(self))


def _text(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({shown})"


_METHODS: dict[str, Callable[..., object]] = {
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _text,
}
