"""nftables: loads the table before the network at boot; `wallcloud.design.firewall` derives it from flows."""

from collections.abc import Iterator

from wallcloud.catalog.component import EVERY_ROLE, ROOT, Component
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File, Unit

UNIT = """\
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
ExecStart=/usr/sbin/nft -f /etc/wallcloud/firewall.nft
ExecReload=/usr/sbin/nft -f /etc/wallcloud/firewall.nft
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=sysinit.target
"""


def resources(place: Place) -> Iterator[Resource]:
    """The unit. Stopping it does not take the wall down: there is no ExecStop."""
    yield Unit(
        unit="wallcloud-firewall.service", text=UNIT, component="firewall", reason="the wall stands before the network"
    )


def boot_file(text: str) -> File:
    """The ruleset as a file that replaces the table in one transaction (nft(8): `-f` is atomic)."""
    table = "table inet wallcloud"
    return File(
        path="/etc/wallcloud/firewall.nft",
        content=f"{table}\ndelete {table}\n{text}",
        mode=0o600,
        component="firewall",
        reason="loaded at boot, before the network",
    )


COMPONENT = Component(
    name="firewall",
    title="nftables",
    roles=EVERY_ROLE,
    account=ROOT,
    packages=("nftables",),
    masks=("nftables.service",),
    resources=resources,
)
