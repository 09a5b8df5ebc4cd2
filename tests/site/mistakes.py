"""Mistakes in what a valid site says: made in its data, so that the file is YAML again."""

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import strategies as st
from tests.site.trees import TREES, Map, Raw, Tree, Way, at, children, paths, put, written
from tests.site.wrong_values import FITTING, KEYS, NAMES, NETWORKS, NUMBERS, VALUES

from wallcloud.build.options import table
from wallcloud.catalog import components

Mistake: TypeAlias = Callable[[st.DrawFn, Tree], Tree]
Pair: TypeAlias = tuple[str, Tree]

_PROGRAMS = {name: it.program for name, it in components().items() if it.program}


def _some(draw: st.DrawFn, of: Tree, which: Callable[[Tree], bool] = lambda _: True) -> Way | None:
    """A way to a part of a tree; None where there is none such. Not the whole."""
    found = [path for path in paths(of) if path and which(at(of, path))]
    return draw(st.sampled_from(found)) if found else None


def _pairs(draw: st.DrawFn, of: Tree, change: Callable[[list[Pair], int], object], *, key: str = "") -> Tree:
    """`change` gets the pairs of some mapping, of one that has `key`, and the number of one of them."""
    found = [
        path
        for path in paths(of)
        if isinstance(it := at(of, path), Map) and it.pairs and (not key or key in dict(it.pairs))
    ]
    if not found:
        return of
    where = draw(st.sampled_from(found))
    mapping = at(of, where)
    assert isinstance(mapping, Map)
    pairs = list(mapping.pairs)
    change(pairs, [name for name, _ in pairs].index(key) if key else draw(st.integers(0, len(pairs) - 1)))
    return put(of, where, Map(tuple(pairs)))


def key_left_out(draw: st.DrawFn, of: Tree) -> Tree:
    return _pairs(draw, of, lambda pairs, index: pairs.pop(index))


def key_misspelt(draw: st.DrawFn, of: Tree) -> Tree:
    def change(pairs: list[Pair], index: int) -> None:
        key, value = pairs[index]
        place = draw(st.integers(0, max(0, len(key) - 1)))
        before, here, after = key[:place], key[place : place + 1], key[place + 1 :]
        wrong = (
            *(before + after, before + here * 2 + after, before + after[:1] + here + after[1:], key.replace("_", "-")),
            *(key.upper(), key.capitalize(), f"{key}s", f" {key}"),
        )
        pairs[index] = (draw(st.sampled_from(wrong)), value)

    return _pairs(draw, of, change)


def key_renamed(draw: st.DrawFn, of: Tree) -> Tree:
    def change(pairs: list[Pair], index: int) -> None:
        pairs[index] = (draw(KEYS), pairs[index][1])

    return _pairs(draw, of, change)


def key_added(draw: st.DrawFn, of: Tree) -> Tree:
    return _pairs(draw, of, lambda pairs, index: pairs.insert(index, (draw(KEYS), draw(VALUES))))


def key_twice(draw: st.DrawFn, of: Tree) -> Tree:
    def change(pairs: list[Pair], index: int) -> None:
        key, value = pairs[index]
        pairs.insert(draw(st.integers(0, len(pairs))), (key, draw(st.just(value) | VALUES)))

    return _pairs(draw, of, change)


def key_moved(draw: st.DrawFn, of: Tree) -> Tree:
    """Taken out of one mapping, put into another."""
    taken: list[Pair] = []
    rest = _pairs(draw, of, lambda pairs, index: taken.append(pairs.pop(index)))
    return _pairs(draw, rest, lambda pairs, index: pairs.insert(index, taken[0]))


def value_replaced(draw: st.DrawFn, of: Tree) -> Tree:
    where = _some(draw, of)
    return of if where is None else put(of, where, draw(VALUES))


def value_left_out(draw: st.DrawFn, of: Tree) -> Tree:
    where = _some(draw, of)
    return of if where is None else put(of, where, Raw(""))


def value_copied(draw: st.DrawFn, of: Tree) -> Tree:
    one, other = _some(draw, of), _some(draw, of)
    return of if one is None or other is None else put(of, one, at(of, other))


def values_swapped(draw: st.DrawFn, of: Tree) -> Tree:
    return _swapped(of, _some(draw, of), _some(draw, of))


def shape_changed(draw: st.DrawFn, of: Tree) -> Tree:
    """A list for a value, a mapping for a list, and back."""
    where = _some(draw, of)
    if where is None:
        return of
    value = at(of, where)
    inner = children(value)
    pairs = value.pairs if isinstance(value, Map) else ()
    shapes: tuple[Tree, ...] = (
        (value,),
        Map(((draw(KEYS), value),)),
        inner,
        tuple(key for key, _ in pairs),
        tuple(Map((pair,)) for pair in pairs),
        Map(tuple((str(index), child) for index, child in enumerate(inner))),
        next(iter(inner), None),
        ", ".join(map(str, inner)),
    )
    return put(of, where, draw(st.sampled_from(shapes)))


WILD: tuple[Mistake, ...] = (
    *(key_left_out, key_misspelt, key_renamed, key_added, key_twice, key_moved),
    *(value_replaced, value_left_out, value_copied, values_swapped, shape_changed),
)
"""Most of them leave no site at all."""


def value_that_fits(draw: st.DrawFn, of: Tree) -> Tree:
    """Another address for an address, another kind for a kind."""
    key = draw(st.sampled_from(sorted(FITTING)))

    def change(pairs: list[Pair], index: int) -> None:
        pairs[index] = (key, draw(FITTING[key]))

    return _pairs(draw, of, change, key=key)


def key_that_fits(draw: st.DrawFn, of: Tree) -> Tree:
    """A key that its neighbours may have, where it was left out."""
    beside, key = draw(
        st.sampled_from(
            [
                *(("kind", key) for key in ("gateway", "pool", "vlan", "mtu", "cidr6", "gateway6")),
                *(("roles", key) for key in ("addresses", "drain", "ssh")),
            ]
        )
    )

    def change(pairs: list[Pair], _: int) -> None:
        pairs[:] = [*(pair for pair in pairs if pair[0] != key), (key, draw(FITTING[key]))]

    return _pairs(draw, of, change, key=beside)


def values_alike_swapped(draw: st.DrawFn, of: Tree) -> Tree:
    """Two addresses, two networks, two lists of roles: each where the other belongs."""
    one = _some(draw, of)
    if one is None:
        return of
    look = _look(at(of, one))
    return _swapped(of, one, _some(draw, of, lambda it: _look(it) == look))


def network_of_another_name(draw: st.DrawFn, of: Tree) -> Tree:
    """A network, or what a node says of one, under the name of another."""

    def change(pairs: list[Pair], index: int) -> None:
        pairs[index] = (draw(st.sampled_from(NETWORKS)), pairs[index][1])

    return _pairs(draw, of, change, key=draw(st.sampled_from(NETWORKS)))


def part_copied(draw: st.DrawFn, of: Tree) -> Tree:
    """A node or network once more, under another name."""

    def change(pairs: list[Pair], index: int) -> None:
        pairs.append((draw(st.sampled_from(("other", "host9", "sales-2"))), pairs[index][1]))

    return _pairs(
        draw, of, change, key=draw(st.sampled_from((*NETWORKS, "control", "api", "compute1", "host1", "demo")))
    )


def option_set(draw: st.DrawFn, of: Tree) -> Tree:
    """An option of the release with some value, or one that is nearly one."""
    component = draw(st.sampled_from(sorted(_PROGRAMS)))
    groups = table("2026.2", _PROGRAMS[component]).groups
    group = draw(st.sampled_from(sorted(groups)))
    option = draw(st.sampled_from(sorted(groups[group]) or ["none"]))
    spelt = draw(st.sampled_from([option, option, option, option[:-1], f"{option}s", option.replace("_", "-"), group]))
    one: st.SearchStrategy[Tree] = st.sampled_from((*NUMBERS, *NAMES, True, False))
    several: st.SearchStrategy[Tree] = st.lists(st.sampled_from(NAMES), max_size=2).map(tuple)
    value = draw(one | several)
    whole = Map(((component, Map(((group, Map(((spelt, value),))),))),))

    def change(pairs: list[Pair], index: int) -> None:
        pairs[index] = ("options", whole)

    return _pairs(draw, of, change, key="options")


LIKELY: tuple[Mistake, ...] = (
    *(value_that_fits, value_that_fits, key_that_fits, values_alike_swapped, network_of_another_name, part_copied),
    option_set,
)
"""Most of them leave a site that breaks rules."""


def _swapped(of: Tree, one: Way | None, other: Way | None) -> Tree:
    if one is None or other is None or one == other[: len(one)] or other == one[: len(other)]:
        return of
    return put(put(of, one, at(of, other)), other, at(of, one))


def _look(of: Tree) -> object:
    """What makes two values be taken for each other."""
    if isinstance(of, Map):
        return tuple(key for key, _ in of.pairs[:1])
    return (type(of), of.count("."), of.count("/")) if isinstance(of, str) else type(of)


@st.composite
def mistaken(draw: st.DrawFn) -> bytes:
    """The file of a site with one to three mistakes in what it says."""
    whole = draw(st.sampled_from(TREES))
    mistakes = draw(st.sampled_from([WILD, LIKELY]))
    for mistake in draw(st.lists(st.sampled_from(mistakes), min_size=1, max_size=3)):
        whole = mistake(draw, whole)
    return written(whole).encode("utf-8", "surrogatepass")
