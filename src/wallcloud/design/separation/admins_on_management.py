"""What admins use is on management."""

from collections.abc import Iterator

from wallcloud.catalog.component import Outside
from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.design.separation._walk import where
from wallcloud.site.model import Kind


def _check(catalog: Catalog) -> Iterator[Breach]:
    for component in catalog.values():
        for visit in component.visits:
            listen = component.listen(visit.listen)
            if visit.who is Outside.ADMINS and listen.network is not Kind.MANAGEMENT:
                text = f"admins would come to {where(listen)} on {listen.network or 'the node itself'}"
                yield Breach(component.name, "visits", text)


RULE = CatalogRule(
    id="admins-on-management",
    forbids="an endpoint for admins on any network but management",
    why="who administers the cloud never uses the door that tenants and the outside can reach",
    mend="listen on management, and let tenants have another listener",
    check=_check,
)
