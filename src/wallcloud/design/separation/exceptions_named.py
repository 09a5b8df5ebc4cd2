"""Exceptions have a name, a reason and an owner, and except something."""

from collections.abc import Iterator

from wallcloud.catalog.component import Exemption, Listen, OutsideService, protected
from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule


def _check(catalog: Catalog) -> Iterator[Breach]:
    known: dict[str, tuple[str, Exemption]] = {}
    for component in catalog.values():
        said: list[tuple[str, Listen | OutsideService]] = [("listens", each) for each in component.listens]
        said += [("needs", each) for each in component.needs]
        for field, each in said:
            exemption = each.exemption
            if exemption is None:
                continue
            missing = [key for key in ("name", "reason", "owner") if not getattr(exemption, key).strip()]
            if missing:
                text = f'the exception "{exemption.name}" has no {" and no ".join(missing)}'
                yield Breach(component.name, field, text)
            elif protected(each.authentication, each.encryption):
                text = f'the exception "{exemption.name}" excepts what is authenticated and encrypted'
                yield Breach(component.name, field, text)
            owner, first = known.setdefault(exemption.name, (component.name, exemption))
            if first != exemption:
                text = f'the exception "{exemption.name}" has another reason or owner than at {owner}'
                yield Breach(component.name, field, text)


RULE = CatalogRule(
    id="exceptions-named",
    forbids="an exception without name, reason or owner, with two of them, or of what needs none",
    why="an exception is a risk that somebody took: who reads the matrix must find whom to ask, and no dead letters",
    mend="write name, reason and owner once, as a constant, or take the exception out",
    check=_check,
)
