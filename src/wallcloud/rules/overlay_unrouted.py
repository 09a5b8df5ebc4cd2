"""Nobody routes the overlay."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name in site.networks_of(Kind.OVERLAY):
        network = site.networks[name]
        for key, gateway in (("gateway", network.gateway), ("gateway6", network.gateway6)):
            if gateway is not None:
                text = f'the overlay network "{name}" has the {key} {gateway}'
                yield Violation(("networks", name, key), text)


RULE = Rule(
    id="overlay-unrouted",
    forbids="a gateway on the overlay",
    why="a router there could carry anybody's packets into every tenant network, since VXLAN knows no password",
    mend="remove the gateway; all overlay nodes stand on one wire",
    check=_check,
)
