"""What Neutron's agents on nodes have in common: settings, privileged helpers, sandbox, folders."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron_privsep, openstack, openvswitch, oslo, privsep, root_helper, tls
from wallcloud.catalog.component import Account, Call, OwnSocket
from wallcloud.catalog.place import Place
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource

BUS = "neutron"
PROXY = Account("metadata-proxy", 659)
"""haproxy's in the tenants' namespaces: it reads what tenants send, and may do nothing but hand it on."""
PROXY_FOLDER = "/run/wallcloud-metadata-proxy"
PROXY_SOCKET = f"{PROXY_FOLDER}/socket"
HELPERS = Call(neutron_privsep.NAME, "helpers", "privileged helpers", same_node=True)
"""What an agent declares that makes links or namespaces."""
SERVERS = ("neutron-rpc",)
"""Whose queues must be consumed before an agent starts: else its first call is lost, and it stalls for a minute."""
DERIVED = (*openstack.DERIVED_BUS, "agent.root_helper", "default.host", "default.state_path", "ovs.ovsdb_connection")
"""What no option replaces of any agent."""
DERIVED_NAMESPACES = (
    "default.interface_driver",
    "default.metadata_proxy_group",
    "default.metadata_proxy_socket",
    "default.metadata_proxy_user",
    "default.ovs_use_veth",
    "ovs.datapath_type",
)
"""And of one that makes namespaces, plugs them into the switch and starts metadata proxies in them."""


def config(place: Place) -> str:
    """An agent's settings."""
    return f"{openstack.folder(place.component.name)}/neutron.conf"


def state(place: Place) -> str:
    """What an agent remembers of its namespaces."""
    return f"/var/lib/wallcloud/{place.component.name}"


def settings(place: Place) -> oslo.Settings:
    """What every agent has: logs, bus, where it keeps things, the switch's database."""
    return oslo.together(
        bus.settings(place),
        {
            "DEFAULT": {**openstack.logging(), "host": place.node, "state_path": state(place)},
            "OVS": {"ovsdb_connection": f"unix:{openvswitch.SOCKET}"},
            # The default is sudo, which is not there: what no helper is declared for fails.
            "AGENT": {"root_helper": "/bin/false"},
            "oslo_concurrency": {"lock_path": f"/run/wallcloud-{place.component.name}"},
        },
    )


def privileges(place: Place) -> oslo.Settings:
    """How an agent gets its privileged helpers."""
    return neutron_privsep.settings(place.component.name)


def plugging(place: Place) -> oslo.Settings:
    """How an agent plugs its namespaces into the switch.

    In user space the switch's own ports are taps that die with ovs-vswitchd: what is plugged in by a pair of cards
    (veth) outlives a restart of it. Neutron then has the cards compute whole checksums (ethtool).
    """
    kind = openvswitch.datapath(place)
    return {
        "DEFAULT": {"interface_driver": "openvswitch", "ovs_use_veth": kind == "netdev"},
        "OVS": {"datapath_type": kind},
    }


def proxies(place: Place) -> oslo.Settings:
    """How an agent starts metadata proxies in namespaces."""
    return {
        "DEFAULT": {
            "metadata_proxy_socket": PROXY_SOCKET,
            "metadata_proxy_user": PROXY.name,
            "metadata_proxy_group": PROXY.group,
        }
    }


def base(place: Place, whole: oslo.Settings) -> Iterator[Resource]:
    """Folders, certificate and settings."""
    name, account = place.component.name, place.component.account
    yield openstack.own_folder(place)
    yield r.Directory(
        # dnsmasq and haproxy read here as others.
        path=state(place),
        owner=account.name,
        group=account.group,
        mode=0o755,
        component=name,
        reason="what it remembers over a restart",
    )
    yield tls.client_certificate(place, reason="its login at the bus")
    yield oslo.config(place, config(place), whole, reason=f"{place.component.title}'s settings")


def namespaces(place: Place, description: str, restart_on: tuple[str, ...] = ()) -> Resource:
    """The unit of an agent that makes namespaces."""
    return openstack.daemon(
        place,
        program=place.component.name,
        config=(config(place),),
        description=description,
        restart_on=restart_on,
        requires=(neutron_privsep.SOCKET_UNIT, root_helper.socket_unit(place)),
        after=(neutron_privsep.UNIT, openvswitch.SWITCH_UNIT, "wallcloud-neutron-ovs-agent.service"),
        lines=lines(place),
    )


def namespace_settings(place: Place) -> oslo.Settings:
    """The settings of such an agent."""
    return oslo.together(
        settings(place),
        privileges(place),
        proxies(place),
        plugging(place),
        {"AGENT": {"root_helper": root_helper.command(place)}},
    )


def sockets(place: Place) -> Iterator[OwnSocket]:
    """Of an agent with privileged helpers."""
    yield privsep.awaiting(place)


def namespace_sockets(place: Place) -> Iterator[OwnSocket]:
    """Of one that starts programs in namespaces, besides what those have there."""
    yield from sockets(place)
    yield root_helper.socket(place)


def proxy_socket(place: Place, port: int, space: str) -> OwnSocket:
    """A metadata proxy's (haproxy) in a namespace."""
    return OwnSocket(
        "tcp",
        f"*:{port}",
        "a tenant's network asks for metadata",
        account=PROXY,
        units=root_helper.units(place),
        space=space,
        given_up=True,
    )


def lines(place: Place, *more: str) -> tuple[str, ...]:
    """[Service] lines of an agent."""
    return (
        *neutron_privsep.lines(place.component.name),
        f"ReadWritePaths={state(place)}",
        # It reads links and addresses by netlink, and sees whether dnsmasq and haproxy live.
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK",
        "ProtectProc=default",
        "ProcSubset=all",
        "UMask=0022",
        *more,
    )
