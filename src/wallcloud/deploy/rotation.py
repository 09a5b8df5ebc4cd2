"""A rotation goes on stage by stage: what is written down before each, and what comes next.

rotation.json holds `Rotation`'s fields, and of one that is under way when it `began`. Each stage is written before it
is applied, so whoever comes after an interruption finds the design that was being applied, applies it to its end and
goes on from there. At no moment does a client use a value that its server does not take: see the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from wallcloud.catalog.rotation import Rotation, Stage, base, hole
from wallcloud.deploy.state import StateFolder
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen


@frozen
class Wanted:
    """What is to be new. `pairs`: secrets of which servers can take two values at once; `single`: the other secrets;
    `certificates`: names, or rotation.EVERY; `keys`: Keystone's."""

    pairs: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.pairs or self.single or self.certificates or self.keys)


def begun(rotation: Rotation, wanted: Wanted, now: int) -> Rotation:
    """The first stage of a new rotation at `now` (seconds since 1970). Raises ValueError where one is under way."""
    if rotation.stage is not None:
        raise ValueError("a rotation is under way")
    first = replace(rotation, moving=wanted.pairs | wanted.single, stage=Stage.MAKE)
    if not wanted.pairs:
        first = replace(first, stage=Stage.USE)
    return replace(
        first,
        certificates={**rotation.certificates, **dict.fromkeys(wanted.certificates, now)},
        keys={**rotation.keys, **dict.fromkeys(wanted.keys, now)},
    )


def after(rotation: Rotation) -> Rotation:
    """What comes after a stage that was applied; without a stage where it is over."""
    match rotation.stage:
        case Stage.MAKE:
            return replace(rotation, stage=Stage.USE)
        case Stage.USE:
            settled = {name: rotation.generation(name) for name in rotation.moving}
            generations = {**rotation.generations, **settled}
            return replace(rotation, stage=Stage.END, generations=generations, replaced=rotation.certificates)
        case _:
            return replace(rotation, stage=None, moving=frozenset())


def walk(state: StateFolder, applied: Callable[[Rotation], bool]) -> bool:
    """Has each stage applied that is left, until one is not well; whether the rotation is over. Each stage is written
    down before. Raises what `applied` raises."""
    now = load(state)
    while now.stage is not None:
        if not applied(now):
            return False
        now = after(now)
        keep(state, now)
    return True


def old_values(rotation: Rotation, names: Iterable[str]) -> tuple[str, ...]:
    """Of the values that are kept under `names` those that nobody uses any more."""
    good = {hole(name, each).name for name in map(base, names) for each in rotation.good(name)}
    return tuple(sorted(set(names) - good))


def load(state: StateFolder) -> Rotation:
    """What is written in the state folder. Raises WallcloudError where it makes no sense."""
    found = state.rotation()
    try:
        return Rotation(
            generations=_numbers(found.get("generations", {})),
            moving=frozenset(map(str, found.get("moving", ()))),
            stage=Stage(found["stage"]) if found.get("stage") else None,
            certificates=_numbers(found.get("certificates", {})),
            keys=_numbers(found.get("keys", {})),
            replaced=_numbers(found.get("replaced", {})),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise WallcloudError(
            f"is not understood: {error}",
            where=str(state.path / "rotation.json"),
            hint="restore the state folder from its backup",
        ) from error


def keep(state: StateFolder, rotation: Rotation) -> None:
    """Writes it down. Where it is over, the values that are out of use are dropped before."""
    if rotation.stage is None:
        state.forget_secrets(old_values(rotation, state.secret_names()))
    state.keep_rotation(
        {
            "generations": dict(rotation.generations),
            "moving": sorted(rotation.moving),
            "stage": rotation.stage,
            "certificates": dict(rotation.certificates),
            "keys": dict(rotation.keys),
            "replaced": dict(rotation.replaced),
        }
    )


def _numbers(found: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in found.items()}
