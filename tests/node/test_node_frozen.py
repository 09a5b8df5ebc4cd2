"""`@frozen` is what `dataclass(frozen=True)` is, but for the time that it takes, and for who refuses to set a field."""

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

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


if TYPE_CHECKING:
    # mypy says where it has nothing to ignore: so these are refused.
    Cheap("a").name = "b"  # type: ignore[misc]
    Child("a", (), "", "x")  # type: ignore[call-arg]


def test_it_is_replaced_and_remembers() -> None:
    cheap = Cheap("a", (1,))
    assert cheap.first == cheap.first == 1
    assert replace(cheap, name="b") == Cheap("b", (1,))


def test_a_class_keeps_the_methods_that_it_writes_itself() -> None:
    assert repr(Own("a")) == "its own"
    assert Own("a") == Own("b")
    assert hash(Own("a")) == 7
