"""The keys that a site may have, by where they stand: what an unknown one was probably meant to be."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from wallcloud.site.fields import bare, nearest
from wallcloud.site.finding import Where, dotted
from wallcloud.site.locations import Locations
from wallcloud.site.model import Site


def meant(path: Where, locations: Locations) -> str:
    """The key, not yet in the file, that an unknown one at `path` stands for by its letters; else nothing."""
    return nearest(str(path[-1]), [name for name in _keys(path[:-1]) if (*path[:-1], name) not in locations.keys])


def mend(path: Where, locations: Locations) -> str:
    """What mends an unknown key."""
    around, key = path[:-1], bare(path[-1])
    word, colon, rest = key.partition(":")
    if colon and word in _keys(around):
        return f'a space belongs after the colon: "{word}: {rest}"'
    if near := meant(path, locations):
        return f'did you mean "{near}"?'
    if places := _places().get(key):
        return f'"{key}" belongs to {" or ".join(places[:2])}'
    lacking = [name for name in _required(around) if (*around, name) not in locations.keys]
    if len(lacking) == 1:
        return f'perhaps "{lacking[0]}" is meant, which is missing here'
    return f"known here: {', '.join(_keys(around))}"


def _keys(path: Where) -> list[str]:
    """The keys that a mapping at `path` may have."""
    model = _model(path)
    return list(model.model_fields) if model else []


def _required(path: Where) -> list[str]:
    model = _model(path)
    return [name for name, field in model.model_fields.items() if field.is_required()] if model else []


def _model(path: Where) -> type[BaseModel] | None:
    """The model of a mapping at `path`."""
    inner: Any = Site
    for part in path:
        if _is_model(inner) and part in inner.model_fields:
            inner = _bare(inner.model_fields[str(part)].annotation)
        elif get_origin(inner) is dict:
            inner = _bare(get_args(inner)[1])
    return inner if _is_model(inner) else None


@cache
def _places() -> dict[str, tuple[str, ...]]:
    """Key → where it may stand: "networks.NAME", or the site itself."""
    found: dict[str, tuple[str, ...]] = {}
    for key, place in _walk(Site, ()):
        found[key] = (*found.get(key, ()), dotted(place) or "the site itself")
    return found


def _walk(inner: Any, here: Where) -> Iterator[tuple[str, Where]]:
    if get_origin(inner) is dict:
        yield from _walk(_bare(get_args(inner)[1]), (*here, "NAME"))
    elif _is_model(inner):
        for name, field in inner.model_fields.items():
            yield name, here
            yield from _walk(_bare(field.annotation), (*here, name))


def _bare(annotation: Any) -> Any:
    """The type inside an `Annotated`."""
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def _is_model(inner: Any) -> bool:
    return isinstance(inner, type) and issubclass(inner, BaseModel)
