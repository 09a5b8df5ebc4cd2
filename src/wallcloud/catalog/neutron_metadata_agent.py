"""Neutron's metadata agent: it finds out which VM asks, signs that, and asks Nova on the same node."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron_agent, openstack, oslo
from wallcloud.catalog.component import Account, Call, Component, Limit, Listen, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "neutron-metadata-agent"
ACCOUNT = Account(NAME, 658)
SECRET = "metadata-proxy"  # noqa: S105 - its name
"""What it signs with, and Nova checks."""
PORT = 8775


def limits(given: LimitInput) -> Iterator[Limit]:
    """Threads: each answers one VM, mostly waiting for Neutron and Nova."""
    yield Limit(NAME, "threads", (Term("two per core, 4 to 16", max(4, min(16, 2 * given.cores(NAME)))),))


def resources(place: Place) -> Iterator[Resource]:
    """Folders, certificate, settings, the unit."""
    proxy, where = neutron_agent.PROXY, neutron_agent.PROXY_FOLDER
    yield from neutron_agent.base(place, settings(place))
    yield openstack.daemon(
        place,
        program=NAME,
        config=(neutron_agent.config(place),),
        description="which VM asks for metadata (Neutron's metadata agent)",
        lines=(
            f"RuntimeDirectory=wallcloud-{NAME}",
            f"ReadWritePaths={neutron_agent.state(place)}",
            # The proxies, which are another account's, may open its socket and see nothing else of it.
            f"ExecStartPre=+/usr/bin/install -d -o {ACCOUNT.name} -g {proxy.group} -m 2750 {where}",
            f"ReadWritePaths=-{where}",
            "UMask=0007",
        ),
    )


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    return oslo.together(
        neutron_agent.settings(place),
        {
            "DEFAULT": {
                "metadata_proxy_socket": neutron_agent.PROXY_SOCKET,
                "metadata_proxy_shared_secret": place.rotation.used(SECRET),
                "metadata_workers": place.limit("threads"),
                "nova_metadata_host": "127.0.0.1",
                "nova_metadata_port": PORT,
                "nova_metadata_protocol": "http",
            },
        },
    )


COMPONENT = Component(
    name=NAME,
    title="Neutron's metadata agent",
    roles=(Role.NETWORK,),
    account=ACCOUNT,
    accounts=(neutron_agent.PROXY,),
    bus=neutron_agent.BUS,
    environment=True,
    program=NAME,
    derived=(
        *neutron_agent.DERIVED,
        "default.metadata_proxy_shared_secret",
        "default.metadata_proxy_socket",
        "default.nova_metadata_host",
        "default.nova_metadata_port",
        "default.nova_metadata_protocol",
    ),
    listens=(
        Listen(
            "proxy",
            None,
            path=neutron_agent.PROXY_SOCKET,
            authentication="the socket's group",
            encryption="the node's kernel",
            members=neutron_agent.PROXY.group,
        ),
    ),
    calls=(
        Call("nova-metadata", "http", "the VM's metadata, with the instance's id signed (HMAC)", same_node=True),
        bus.CALL,
    ),
    follows=neutron_agent.SERVERS,
    resources=resources,
)
