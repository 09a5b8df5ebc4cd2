"""Neutron's L3 agent: tenants' routers in namespaces, floating IPs, and a metadata proxy in each router."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron_agent, openvswitch, oslo, root_helper
from wallcloud.catalog.component import ROOT, Account, Call, Component, OwnSocket
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "neutron-l3-agent"
ACCOUNT = Account(NAME, 656, groups=(openvswitch.ACCOUNT.group,))


def resources(place: Place) -> Iterator[Resource]:
    """Folders, certificate, settings, privileged helpers, the unit."""
    yield from neutron_agent.base(place, settings(place))
    yield from root_helper.resources(place, namespaces="qrouter-", programs=("haproxy",))
    yield neutron_agent.namespaces(place, "tenants' routers (Neutron's L3 agent)")


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    return oslo.together(
        neutron_agent.namespace_settings(place),
        {
            "DEFAULT": {
                "agent_mode": "legacy",
                "enable_metadata_proxy": True,
                "handle_internal_only_routers": True,
            },
        },
    )


def sockets(place: Place) -> Iterator[OwnSocket]:
    """Its own, and metadata proxies' in routers."""
    yield from neutron_agent.namespace_sockets(place)
    for leg in ("qr-*", "qg-*"):
        yield OwnSocket(
            "packet",
            leg,
            "tells neighbours of a router's new address (arping), as it comes up",
            account=ROOT,
            units="wallcloud-neutron-privsep*",
            space="qrouter-*",
        )
    yield OwnSocket(
        "unix",
        f"{neutron_agent.state(place)}/keepalived-state-change",
        "where routers with a stand-in would tell of a change; there are none",
        always=True,
    )
    yield neutron_agent.proxy_socket(place, 9697, "qrouter-*")


COMPONENT = Component(
    name=NAME,
    title="Neutron's L3 agent",
    roles=(Role.NETWORK,),
    account=ACCOUNT,
    accounts=(neutron_agent.PROXY,),
    packages=("conntrack", "ethtool", "haproxy", "iptables", "iputils-arping"),
    masks=("haproxy.service",),
    bus=neutron_agent.BUS,
    environment=True,
    program=NAME,
    derived=(
        *neutron_agent.DERIVED,
        *neutron_agent.DERIVED_NAMESPACES,
        "default.agent_mode",
        "default.enable_metadata_proxy",
    ),
    calls=(
        Call("openvswitch", "database", "plugs routers in", same_node=True),
        neutron_agent.HELPERS,
        bus.CALL,
    ),
    follows=neutron_agent.SERVERS,
    after=("neutron-ovs-agent",),
    sockets=sockets,
    resources=resources,
)
