"""A VLAN is one network's in the whole site."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    first: dict[int, str] = {}
    for name, network in site.networks.items():
        if not network.vlan:
            continue
        other = first.setdefault(network.vlan, name)
        # On one card of a node they are surely one wire: interface-once says so.
        if other != name and not any(
            name in node.interfaces and node.interfaces.get(other) == node.interfaces[name]
            for node in site.nodes.values()
        ):
            text = f'the networks "{other}" and "{name}" both have the VLAN {network.vlan}'
            yield Violation(("networks", name, "vlan"), text)


RULE = Rule(
    id="vlan-once",
    forbids="one VLAN number for two networks",
    why="where their switches meet, and most do, the two are one wire: nothing keeps their packets apart",
    mend="give one of them another VLAN; where no switch is common to them, nothing is wrong",
    check=_check,
    severity="warning",
)
