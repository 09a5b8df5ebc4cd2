"""Which of Debian's packages nodes need together: those of each role, and of the roles that a site combines."""

from collections.abc import Iterable, Mapping

from wallcloud.catalog import components
from wallcloud.site.model import Role, Site


def names_by_role(site: Site | None = None) -> Mapping[str, tuple[str, ...]]:
    """Role → package names, sorted; also `network+compute` where a node of the site has both.

    apt may answer otherwise for both at once than for each: of alternatives, what one brings serves the other.
    """
    combined = {node.roles for node in site.nodes.values() if len(set(node.roles)) > 1} if site else set()
    alone = {(role,) for role in Role}
    return {"+".join(role for role in Role if role in roles): _names(roles) for roles in (*alone, *combined)}


def _names(roles: Iterable[Role]) -> tuple[str, ...]:
    wanted = set(roles)
    return tuple(sorted({name for it in components().values() if wanted & set(it.roles) for name in it.packages}))
