"""Tenants come to the api node, on public, and nowhere else."""

from collections.abc import Iterator

from wallcloud.catalog.component import Outside
from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.design.separation._walk import where
from wallcloud.site.model import Kind, Role


def _check(catalog: Catalog) -> Iterator[Breach]:
    for component in catalog.values():
        for visit in component.visits:
            if visit.who is not Outside.TENANTS:
                continue
            listen = component.listen(visit.listen)
            if listen.network is not Kind.PUBLIC:
                text = f"tenants would come to {where(listen)} on {listen.network or 'the node itself'}"
                yield Breach(component.name, "visits", text)
            for role in (role for role in component.roles if role in listen.roles and role is not Role.API):
                yield Breach(component.name, "visits", f"tenants would come to {where(listen)} on {role} nodes")


RULE = CatalogRule(
    id="tenants-at-api",
    forbids="a listener for tenants on another network than public, or on another node than the api node",
    why="tenants never talk to the control node, and one door is easier to watch than two",
    mend="declare an Api: the public door proxies it; or run the component on the api node",
    check=_check,
)
