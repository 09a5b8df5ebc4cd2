"""Neutron's agent of the switch: it wires ports, tunnels and security groups."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bridges, bus, neutron_agent, neutron_privsep, openstack, openvswitch, oslo
from wallcloud.catalog.component import Account, Call, Component, Listen
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Kind, Role

NAME = "neutron-ovs-agent"
ACCOUNT = Account(NAME, 655, groups=(openvswitch.ACCOUNT.group,))
OPENFLOW_PORT = 6633


def resources(place: Place) -> Iterator[Resource]:
    """Folders, certificate, settings, privileged helpers, the unit."""
    yield from neutron_agent.base(place, settings(place))
    yield openstack.daemon(
        place,
        program="neutron-openvswitch-agent",
        config=(neutron_agent.config(place),),
        description="Neutron's agent of the switch",
        ready=_reported(place),
        requires=(neutron_privsep.SOCKET_UNIT,),
        after=(
            neutron_privsep.UNIT,
            openvswitch.SWITCH_UNIT,
        ),
        # It does not end by itself, and has nothing to lose: what it wired stays in the switch.
        lines=neutron_agent.lines(place, "TimeoutStopSec=3"),
    )


def _reported(place: Place) -> tuple[str, ...] | None:
    """Eight connections to the bus are for what it asks and what it keeps; four more, on which it is asked, come when
    it has reported to Neutron for the first time. Before that no port is bound on its node, so a VM fails there.

    Not where there are network nodes' agents: DHCP's waits for this unit, and has to be known to Neutron before the
    first subnets are made. Who comes later gets a network only with that network's first port.
    """
    return None if Role.NETWORK in place.site.nodes[place.node].roles else bus.talks(place, 9)


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    mappings = bridges.physical(place.site, place.node)
    return oslo.together(
        neutron_agent.settings(place),
        neutron_agent.privileges(place),
        {
            "AGENT": {
                "tunnel_types": ("vxlan",),
                # Tunnels and MAC addresses are told, not learned; nobody asks all nodes by broadcast.
                "l2_population": True,
                "arp_responder": True,
            },
            "OVS": {
                "datapath_type": openvswitch.datapath(place),
                "local_ip": str(place.address(Kind.OVERLAY)),
                "integration_bridge": bridges.INTEGRATION,
                "tunnel_bridge": bridges.TUNNELS,
                # The agent ends where a bridge is named that is not there.
                "bridge_mappings": tuple(f"{network}:{bridge}" for network, bridge in mappings.items()),
                "of_listen_address": "127.0.0.1",
                "of_listen_port": OPENFLOW_PORT,
                "trunk_enabled": False,
            },
            "SECURITYGROUP": {"firewall_driver": "openvswitch", "enable_security_group": True},
        },
    )


COMPONENT = Component(
    name=NAME,
    title="Neutron's agent of the switch",
    roles=(Role.NETWORK, Role.COMPUTE),
    account=ACCOUNT,
    packages=("conntrack",),
    bus=neutron_agent.BUS,
    environment=True,
    program=NAME,
    derived=(
        *neutron_agent.DERIVED,
        "agent.l2_population",
        "agent.tunnel_types",
        "ovs.bridge_mappings",
        "ovs.datapath_type",
        "ovs.integration_bridge",
        "ovs.local_ip",
        "ovs.of_listen_address",
        "ovs.of_listen_port",
        "ovs.tunnel_bridge",
        "securitygroup.enable_security_group",
        "securitygroup.firewall_driver",
    ),
    listens=(
        Listen(
            "openflow",
            None,
            OPENFLOW_PORT,
            authentication="by uid: only the switch may connect",
            encryption="the node's kernel",
        ),
    ),
    calls=(
        Call("openvswitch", "database", "bridges and ports", same_node=True),
        neutron_agent.HELPERS,
        bus.CALL,
    ),
    follows=neutron_agent.SERVERS,
    sockets=neutron_agent.sockets,
    resources=resources,
)
