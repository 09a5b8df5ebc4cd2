"""nftables: loads the table before the network at boot; `wallcloud.design.firewall` derives it from flows."""

from collections.abc import Iterator
from ipaddress import collapse_addresses

from wallcloud.catalog.component import EVERY_ROLE, ROOT, Component
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File, Unit
from wallcloud.site.model import Kind

_TABLE = "table inet wallcloud"

RULES = "/etc/wallcloud/firewall.nft"
LEAST = "/etc/wallcloud/firewall-least.nft"
UNIT = f"""\
[Unit]
Description=Wallcloud: the node's firewall
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target wallcloud-network.service shutdown.target
Conflicts=shutdown.target
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
# A file that cannot be loaded must not leave the node open: then only admins reach it, and the unit has failed.
ExecStart=/bin/sh -c '/usr/sbin/nft -f {RULES} || {{ /usr/sbin/nft -f {LEAST}; exit 1; }}'
ExecReload=/usr/sbin/nft -f {RULES}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=sysinit.target
"""


def resources(place: Place) -> Iterator[Resource]:
    """The unit, and its last resort. Stopping it does not take the wall down: there is no ExecStop."""
    yield File(
        path=LEAST,
        content=_replacing(least(place)),
        mode=0o600,
        component="firewall",
        reason="what stands where the rules cannot be loaded",
    )
    yield Unit(
        unit="wallcloud-firewall.service", text=UNIT, component="firewall", reason="the wall stands before the network"
    )


def boot_file(text: str) -> File:
    """The ruleset as a file that replaces the table in one transaction (nft(8): `-f` is atomic)."""
    return File(
        path=RULES,
        content=_replacing(text),
        mode=0o600,
        component="firewall",
        reason="loaded at boot, before the network",
    )


def least(place: Place) -> str:
    """The least ruleset: SSH from admin prefixes to the management address, and nothing else in or out."""
    name, network = place.network(Kind.MANAGEMENT)
    device = network.device(place.site.nodes[place.node].interfaces[name])
    admins = ", ".join(map(str, collapse_addresses(place.site.admin_prefixes)))
    door = (
        f'iifname "{device}" ip saddr {{ {admins} }} ip daddr {place.management} tcp dport {place.site.ssh.port} accept'
    )
    chains = {"input": ("ct state established accept", door), "output": ("ct state established accept",), "forward": ()}
    return "\n".join(
        [
            f"{_TABLE} {{",
            *(
                f"\tchain {hook} {{\n\t\ttype filter hook {hook} priority filter; policy drop;\n"
                + "".join(f"\t\t{rule}\n" for rule in rules)
                + "\t}"
                for hook, rules in chains.items()
            ),
            "}",
            "",
        ]
    )


def _replacing(text: str) -> str:
    return f"{_TABLE}\ndelete {_TABLE}\n{text}"


COMPONENT = Component(
    name="firewall",
    title="nftables",
    roles=EVERY_ROLE,
    account=ROOT,
    packages=("nftables",),
    masks=("nftables.service",),
    resources=resources,
)
