"""Flavors and images have names that Nova and Glance can tell apart."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for key, names in (("flavors", site.flavors), ("images", site.images)):
        seen: dict[str, str] = {}
        for name in names:
            other = seen.setdefault(name.lower(), name)
            if other != name:
                yield Violation((key, name), f'{key}: "{other}" and "{name}" differ in capitals only')


RULE = Rule(
    id="offer-names",
    forbids="two flavors or two images whose names differ in capitals only",
    why="their databases compare names without regard to case: one would be taken for the other",
    mend="choose another name for one of them",
    check=_check,
)
