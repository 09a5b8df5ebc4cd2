"""One management network, one overlay, at most one public network."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for kind in (Kind.MANAGEMENT, Kind.OVERLAY):
        if not site.networks_of(kind):
            mend = f"add one: {kind}: {{kind: {kind}, cidr: 198.18.{10 if kind is Kind.MANAGEMENT else 20}.0/24}}"
            yield Violation(("networks",), f"no network is of the kind {kind}", mend)
    for kind in (Kind.MANAGEMENT, Kind.OVERLAY, Kind.PUBLIC):
        names = site.networks_of(kind)
        for name in names[1:]:
            text = f'network "{name}" is of the kind {kind}, and so is "{names[0]}": a site has one at most'
            yield Violation(("networks", name, "kind"), text)


RULE = Rule(
    id="kinds-counted",
    forbids="no or several management or overlay networks, several public ones",
    why="each function rides on exactly one network; with two, packets find a way that nobody planned",
    mend="keep one of them; only floating and flat networks may be several",
    check=_check,
)
