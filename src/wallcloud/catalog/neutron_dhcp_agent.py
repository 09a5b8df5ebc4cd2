"""Neutron's DHCP agent: a dnsmasq in a namespace for each network, and a metadata proxy where no router has one."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron_agent, openvswitch, oslo, root_helper
from wallcloud.catalog.component import NOBODY, Account, Call, Component, OwnSocket
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File
from wallcloud.site.model import Role

NAME = "neutron-dhcp-agent"
ACCOUNT = Account(NAME, 657, groups=(openvswitch.ACCOUNT.group,))
_DNSMASQ = f"/etc/wallcloud/{NAME}/dnsmasq.options"


def resources(place: Place) -> Iterator[Resource]:
    """Folders, certificate, settings, privileged helpers, the unit."""
    yield from neutron_agent.base(place, settings(place))
    yield File(path=_DNSMASQ, content=_dnsmasq(place), component=NAME, reason="what every dnsmasq is told beyond")
    yield from root_helper.resources(place, namespaces="qdhcp-", programs=("dnsmasq", "haproxy"))
    yield neutron_agent.namespaces(place, "tenants' addresses (Neutron's DHCP agent)", (_DNSMASQ,))


def _dnsmasq(place: Place) -> str:
    """A network whose subnets name no resolver gets dnsmasq itself, which asks the site's; without those, none."""
    told = "" if place.site.dns.resolvers else "# There is no resolver to ask.\ndhcp-option=option:dns-server\n"
    return f"# Written by Wallcloud; changes made here are taken back by the next apply.\n{told}"


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    return oslo.together(
        neutron_agent.namespace_settings(place),
        {
            "DEFAULT": {
                "dhcp_driver": "neutron.agent.linux.dhcp.Dnsmasq",
                "dnsmasq_config_file": _DNSMASQ,
                "dnsmasq_dns_servers": tuple(str(each) for each in place.site.dns.resolvers),
                "dnsmasq_local_resolv": False,
                # On flat networks no router of Neutron's hands out metadata.
                "enable_isolated_metadata": True,
            },
        },
    )


def sockets(place: Place) -> Iterator[OwnSocket]:
    """Its own, and those of dnsmasq and metadata proxies in its namespaces."""
    yield from neutron_agent.namespace_sockets(place)
    # Each comes and goes with a tenant's network.
    for kind, at, why in (
        ("udp", "*:67", "DHCP"),
        ("udp", "*:547", "DHCP over IPv6"),
        ("udp", "*:53", "names"),
        ("tcp", "*:53", "names"),
        ("udp", "*", "it asks the site's resolvers"),
        ("raw", "*", "it looks whether an address is taken"),
    ):
        yield OwnSocket(
            kind,  # type: ignore[arg-type]
            at,
            f"dnsmasq of a tenant's network: {why}",
            account=NOBODY,
            units=root_helper.units(place),
            space="qdhcp-*",
            given_up=True,
        )
    yield neutron_agent.proxy_socket(place, 80, "qdhcp-*")


COMPONENT = Component(
    name=NAME,
    title="Neutron's DHCP agent",
    roles=(Role.NETWORK,),
    account=ACCOUNT,
    accounts=(neutron_agent.PROXY,),
    packages=("dnsmasq-base", "dnsmasq-utils", "ethtool", "haproxy"),
    masks=("haproxy.service",),
    bus=neutron_agent.BUS,
    environment=True,
    program=NAME,
    derived=(
        *neutron_agent.DERIVED,
        *neutron_agent.DERIVED_NAMESPACES,
        "default.dhcp_driver",
        "default.dnsmasq_config_file",
        "default.dnsmasq_dns_servers",
        "default.enable_isolated_metadata",
    ),
    calls=(
        Call("openvswitch", "database", "plugs dnsmasq in", same_node=True),
        neutron_agent.HELPERS,
        bus.CALL,
    ),
    follows=neutron_agent.SERVERS,
    after=("neutron-ovs-agent",),
    sockets=sockets,
    resources=resources,
)
