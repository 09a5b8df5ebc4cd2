"""Which of its values a secret has now, and which others are still good: rotation as data, beside site and facts.

A secret's first value has the secret's name, the later ones `NAME#1`, `NAME#2`, … Where a server can take two values at
once, a rotation goes by stages: the new one is made beside the old one, clients move to it, the old one goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from wallcloud.frozen import frozen
from wallcloud.node.secret import Secret

EVERY = "*"
"""In `Rotation.certificates`: all of them."""
_MARK = "#"


class Stage(StrEnum):
    """How far a rotation is. What a stage says is designed, and applied, before the next begins."""

    MAKE = "make"
    """Servers take the new value beside the old one; clients use the old one."""
    USE = "use"
    """Clients use the new one. Certificates and keys that are to be new are, and what one value alone is kept of."""
    END = "end"
    """Servers take the new one alone."""


@frozen
class Rotation:
    """`generations`: of each secret that was ever rotated, how often. `moving`: those on their way from that generation
    to the next, at `stage`. `certificates`: name or EVERY → seconds since 1970 before which none may have been made;
    `keys`: the same of Keystone's keys. `replaced`: the same as `certificates`, where all nodes have the new ones."""

    generations: Mapping[str, int] = field(default_factory=dict)
    moving: frozenset[str] = frozenset()
    stage: Stage | None = None
    certificates: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    replaced: Mapping[str, int] = field(default_factory=dict)

    def generation(self, name: str) -> int:
        """The generation that is used of a secret."""
        settled = self.generations.get(name, 0)
        return settled + 1 if name in self.moving and self.stage is Stage.USE else settled

    def used(self, name: str) -> Secret:
        """The hole for the value that clients use."""
        return hole(name, self.generation(name))

    def good(self, name: str) -> tuple[int, ...]:
        """The generations that a server takes which can take two."""
        settled = self.generations.get(name, 0)
        return (settled, settled + 1) if name in self.moving and self.stage is not Stage.END else (settled,)

    def made_since(self, certificate: str) -> int:
        """The moment before which a certificate may not have been made."""
        return max(self.certificates.get(EVERY, 0), self.certificates.get(certificate, 0))


def hole(name: str, generation: int) -> Secret:
    """The hole for one value of a secret."""
    return Secret(f"{name}{_MARK}{generation}" if generation else name)


def base(name: str) -> str:
    """The secret whose value the hole `name` stands for."""
    return name.partition(_MARK)[0]
