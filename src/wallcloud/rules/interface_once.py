"""One interface, or one VLAN of it, carries one network."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        users: dict[str, str] = {}
        for network, interface in node.interfaces.items():
            if network not in site.networks:
                continue
            device = site.networks[network].device(interface)
            if device in users:
                text = f'node "{name}": {device} carries the networks "{users[device]}" and "{network}"'
                yield Violation(("nodes", name, "interfaces", network), text)
            users.setdefault(device, network)


RULE = Rule(
    id="interface-once",
    forbids="two networks on one interface of a node, unless their VLANs differ",
    why="two networks on one wire are one network: nothing keeps their packets apart",
    mend="use another interface, or give the networks different VLANs (vlan: 1 to 4094)",
    check=_check,
)
