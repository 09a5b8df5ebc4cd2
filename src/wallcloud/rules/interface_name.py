"""Interfaces have names that the kernel takes and Wallcloud does not use itself."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site

LONGEST = 15
"""Bytes: IFNAMSIZ of linux/if.h less the final zero."""
TAKEN = ("lo", "all", "default")
TAKEN_PREFIXES = ("br-", "ovs-", "tap", "qr-", "qg-", "vxlan_sys")


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        for network, interface in node.interfaces.items():
            path = ("nodes", name, "interfaces", network)
            device = site.networks[network].device(interface) if network in site.networks else interface
            size = len(device.encode())
            if size > LONGEST and device != interface:
                text = f'node "{name}": with its VLAN the interface is "{device}", {size} characters of {LONGEST}'
                yield Violation(path, text, "rename the interface on the node (a systemd .link file), shorter")
            elif device != interface and interface.endswith(f".{site.networks[network].vlan}"):
                text = f'node "{name}": "{interface}" is tagged by its name, and once more by network "{network}"'
                mend = f"name the card: {interface.rpartition('.')[0]}; Wallcloud makes {interface} on it"
                yield Violation(path, text, mend)
            elif size > LONGEST:
                yield Violation(path, f'node "{name}": "{interface}" has {size} characters; the kernel takes {LONGEST}')
            elif interface in TAKEN or interface.startswith(TAKEN_PREFIXES):
                text = f'node "{name}": "{interface}" is a name that the system or Wallcloud uses itself'
                yield Violation(path, text, "name the physical interface; bridges are made by Wallcloud")


RULE = Rule(
    id="interface-name",
    forbids="names of interfaces that are too long, VLAN suffix included, or taken",
    why="the kernel refuses them, or they are the bridges and taps that the design makes",
    mend="write the name as `ip link` shows it on the node",
    check=_check,
)
