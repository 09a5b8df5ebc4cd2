"""What cannot be made again is kept on control, and databases are read where they must be."""

from collections.abc import Iterator

from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.site.model import Role


def _check(catalog: Catalog) -> Iterator[Breach]:
    for component in catalog.values():
        elsewhere = [role for role in component.roles if role is not Role.CONTROL]
        for field, held, what in (
            ("databases", component.databases, "databases"),
            ("keeps", component.keeps, "files that nobody can make again"),
        ):
            if held and elsewhere:
                text = f"has {what} on {' and '.join(elsewhere)} nodes"
                yield Breach(component.name, field, text)
        for role in elsewhere:
            # On network nodes nova-metadata reads its cell's database, and nothing else does.
            if component.uses and role is not Role.NETWORK:
                yield Breach(component.name, "uses", f"reads {', '.join(component.uses)} from {role} nodes")
        if component.bus and Role.API in component.roles:
            yield Breach(component.name, "bus", "is on the message bus from the api node")


RULE = CatalogRule(
    id="data-on-control",
    forbids="data beside control; a database's account on api or compute nodes; a bus account on the api node",
    why="who breaks into the api node or out of a VM must find neither the cloud's data nor a login to it",
    mend="ask the API for what it needs, as nova-compute and the console proxy do",
    check=_check,
)
