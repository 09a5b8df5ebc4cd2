"""Valid sites as data that can hold what YAML can and dict cannot (a key twice), and that data as YAML again."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ruamel.yaml import YAML

from wallcloud.site import template

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Raw:
    """A scalar as it is written: `yes`, `0x10`, `*nobody`."""

    text: str


@dataclass(frozen=True)
class Map:
    """A mapping, in the order of the file."""

    pairs: tuple[tuple[str, "Tree"], ...]


Tree: TypeAlias = "Map | tuple[Tree, ...] | Raw | str | int | float | bool | None"
Way: TypeAlias = tuple[int, ...]
"""The way to a part of a tree: positions, in mappings too."""


def tree(data: object) -> Tree:
    """What a YAML reader gives, as a tree."""
    if isinstance(data, dict):
        return Map(tuple((str(key), tree(value)) for key, value in data.items()))
    if isinstance(data, list | tuple):
        return tuple(tree(item) for item in data)
    assert data is None or isinstance(data, str | int | float | bool)
    return data


def children(of: Tree) -> tuple[Tree, ...]:
    """The values of a mapping, the items of a list."""
    return tuple(value for _, value in of.pairs) if isinstance(of, Map) else of if isinstance(of, tuple) else ()


def paths(of: Tree, here: Way = ()) -> Iterator[Way]:
    """The ways to everything in a tree, itself first."""
    yield here
    for index, child in enumerate(children(of)):
        yield from paths(child, (*here, index))


def at(of: Tree, path: Way) -> Tree:
    """The part of a tree at a path. Raises IndexError."""
    for index in path:
        of = children(of)[index]
    return of


def put(of: Tree, path: Way, value: Tree) -> Tree:
    """The tree with another part at a path."""
    if not path:
        return value
    first, *rest = path
    inner = put(children(of)[first], tuple(rest), value)
    if isinstance(of, Map):
        return Map((*of.pairs[:first], (of.pairs[first][0], inner), *of.pairs[first + 1 :]))
    assert isinstance(of, tuple)
    return (*of[:first], inner, *of[first + 1 :])


def written(of: Tree, indent: int = 0) -> str:
    """The tree as a YAML file: the two outer levels in lines, what is in them in brackets."""
    if not isinstance(of, Map) or indent > 2:
        return f"{' ' * indent}{inline(of)}\n"
    lines = ""
    for key, value in of.pairs:
        if isinstance(value, Map) and value.pairs and indent < 2:
            lines += f"{' ' * indent}{word(key)}:\n{written(value, indent + 2)}"
        else:
            lines += f"{' ' * indent}{word(key)}: {inline(value)}\n"
    return lines or "{}\n"


def inline(of: Tree) -> str:
    """A tree on one line."""
    if isinstance(of, Map):
        return "{" + ", ".join(f"{word(key)}: {inline(value)}" for key, value in of.pairs) + "}"
    if isinstance(of, tuple):
        return "[" + ", ".join(inline(item) for item in of) + "]"
    return of.text if isinstance(of, Raw) else json.dumps(of)


def word(key: str) -> str:
    """A key as it is written."""
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def _plain(text: str) -> Tree:
    return tree(YAML(typ="safe", pure=True).load(text))


TEXTS = (
    *(template.text(flavour) for flavour in template.FLAVOURS),
    (CASES / "good-with-every-key.yaml").read_text(),
)
"""What the examples are (test_site_verbs compares them), and a site with every key."""
TREES = tuple(_plain(text) for text in TEXTS)
SHORT = tuple(
    "".join(line for line in text.splitlines(True) if line.strip(" \n")[:1] not in ("", "#")) for text in TEXTS
)
"""The texts without the lines that say nothing: a mistake there is none."""
