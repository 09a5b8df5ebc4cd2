"""Management has a gateway, since admins are behind it."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name in site.networks_of(Kind.MANAGEMENT)[:1]:
        if site.networks[name].gateway is None:
            prefixes = ", ".join(str(prefix) for prefix in site.admin_prefixes)
            text = f'the management network "{name}" has no gateway, so no route leads back to {prefixes}'
            yield Violation(("networks", name), text)


RULE = Rule(
    id="management-gateway",
    forbids="a management network without a gateway",
    why="admins' networks are never the management network itself; answers to them need a next hop",
    mend="gateway: the router's address on management; nodes route the admin prefixes to it and nothing else",
    check=_check,
)
