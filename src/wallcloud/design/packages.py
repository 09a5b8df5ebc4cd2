"""Which of Debian's packages each role needs: the union of what its components name."""

from collections.abc import Mapping

from wallcloud.catalog import components
from wallcloud.site.model import Role


def names_by_role() -> Mapping[str, tuple[str, ...]]:
    """Role → package names, sorted."""
    return {
        str(role): tuple(sorted({name for it in components().values() if role in it.roles for name in it.packages}))
        for role in Role
    }
