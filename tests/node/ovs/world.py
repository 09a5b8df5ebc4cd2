"""Open vSwitch in a machine of its own, in user space: two bridges, one with rules, and cards to plug in."""

from wallcloud.build import packages, root
from wallcloud.build.cache import Cache
from wallcloud.node.resource import Resource
from wallcloud.node.resources import (
    Directory,
    ExclusiveOvsBridges,
    File,
    Interface,
    Mask,
    OvsBridge,
    OvsFlows,
    Packages,
    Unit,
)
from wallcloud.node.resources.unit import STAMP_PATH, STAMP_SCRIPT
from wallcloud.node.spec import Spec
from wallcloud.progress import Silent

PACKAGES = ("openssl", "openvswitch-switch")
CARDS = ("card0", "card1", "card2")
OWN, PEER = "198.18.10.1", "198.18.10.2"

DATABASE_UNIT = """[Service]
Type=forking
RuntimeDirectory=openvswitch
RuntimeDirectoryPreserve=yes
StateDirectory=wct-ovs
WorkingDirectory=/var/lib/wct-ovs
ExecStartPre=/bin/sh -c 'test -e db || ovsdb-tool create db /usr/share/openvswitch/vswitch.ovsschema'
ExecStart=/usr/sbin/ovsdb-server /var/lib/wct-ovs/db --remote=punix:/run/openvswitch/db.sock --detach --pidfile

[Install]
WantedBy=multi-user.target
"""
SWITCH_UNIT = """[Unit]
After=wallcloud-ovsdb.service

[Service]
Type=forking
ExecStartPre=/usr/bin/ovs-vsctl --no-wait init
ExecStart=/usr/sbin/ovs-vswitchd unix:/run/openvswitch/db.sock --no-chdir --detach --pidfile

[Install]
WantedBy=multi-user.target
"""
FLOWS = (
    f"priority=100,arp,in_port=card0,arp_spa={PEER},actions=LOCAL",
    f"priority=100,arp,in_port=LOCAL,arp_spa={OWN},arp_tpa={PEER},actions=output:card0",
    f"priority=100,udp,in_port=card0,nw_src={PEER},nw_dst={OWN},tp_dst=4789,actions=LOCAL",
    f"priority=100,udp,in_port=LOCAL,nw_src={OWN},nw_dst={PEER},tp_dst=4789,actions=output:card0",
    "priority=0,actions=drop",
)


def spec() -> Spec:
    cache = Cache()
    status = root.build(cache, Silent()) / "var/lib/dpkg/status"
    pool = packages.build(cache, {"test": PACKAGES}, Silent(), status=status)
    resources: tuple[Resource, ...] = (
        Directory(path="/usr/lib/wallcloud"),
        File(path=STAMP_PATH, content=STAMP_SCRIPT, mode=0o755),
        Mask(units=("openvswitch-switch.service", "ovsdb-server.service", "ovs-vswitchd.service")),
        Packages(names=PACKAGES, index=pool.index),
        Unit(unit="wallcloud-ovsdb.service", text=DATABASE_UNIT),
        Unit(unit="wallcloud-ovs-vswitchd.service", text=SWITCH_UNIT),
        OvsBridge(
            bridge="br-overlay",
            datapath="netdev",
            cards=("card0",),
            mtu=1450,
            other_config=("hwaddr=02:00:00:00:00:01",),
        ),
        OvsBridge(bridge="br-flat", datapath="netdev", cards=("card1",), others=("phy-*",), controlled=True),
        ExclusiveOvsBridges(keep=("br-int",)),
        OvsFlows(bridge="br-overlay", flows=FLOWS),
        Interface(interface="br-overlay", addresses=(f"{OWN}/24",), mtu=1450),
    )
    return Spec("test", "2026.2", resources)
