"""`@frozen` is what `dataclass(frozen=True)` is, but for the time that it takes."""

from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace
from functools import cached_property

import pytest

from wallcloud.frozen import frozen


@frozen
class Cheap:
    name: str
    ports: tuple[int, ...] = ()
    note: str = field(default="", compare=False, repr=False)

    @cached_property
    def first(self) -> int:
        return self.ports[0]


@dataclass(frozen=True)
class Dear:
    name: str
    ports: tuple[int, ...] = ()
    note: str = field(default="", compare=False, repr=False)


@frozen(kw_only=True)
class Child(Cheap):
    owner: str = "root"


@frozen
class Own:
    name: str

    def __repr__(self) -> str:
        return "its own"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    def __hash__(self) -> int:
        return 7


@frozen
class Nothing:
    pass


def test_it_compares_hashes_and_shows_as_a_dataclass_does() -> None:
    cheap, dear = Cheap("a", (1, 2), "x"), Dear("a", (1, 2), "x")
    assert repr(cheap) == repr(dear).replace("Dear", "Cheap")
    assert hash(cheap) == hash(dear)
    assert asdict(cheap) == asdict(dear)
    assert cheap == Cheap("a", (1, 2), "another")
    assert cheap != Cheap("b", (1, 2), "x")
    assert cheap.__eq__(dear) is NotImplemented
    assert Child("a", owner="x") != Child("a", owner="y")
    assert Child("a") != Cheap("a")
    assert {Nothing(), Nothing()} == {Nothing()}
    assert repr(Nothing()) == "Nothing()"


def test_nothing_is_set_twice_or_deleted() -> None:
    cheap = Cheap("a", (1,))
    with pytest.raises(FrozenInstanceError):
        cheap.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        cheap.other = "b"  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        del cheap.name
    assert cheap.first == cheap.first == 1
    assert replace(cheap, name="b") == Cheap("b", (1,))


def test_a_class_keeps_the_methods_that_it_writes_itself() -> None:
    assert repr(Own("a")) == "its own"
    assert Own("a") == Own("b")
    assert hash(Own("a")) == 7
