"""The public network has a gateway, since tenants are behind it."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name in site.networks_of(Kind.PUBLIC)[:1]:
        network = site.networks[name]
        if network.gateway is None:
            text = f'the public network "{name}" has no gateway: the api node answers nobody beyond {network.cidr}'
            yield Violation(("networks", name), text)


RULE = Rule(
    id="public-gateway",
    forbids="a public network without a gateway",
    why="the api node's one default route is there; without it only hosts on the public network itself are tenants",
    mend="gateway: the address that the office's or internet's router has on the public network",
    check=_check,
    severity="warning",
)
