"""What Neutron's parts on control have in common: ML2 with VXLAN and flat networks, the user, pools."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, database, openstack, oslo, plugins
from wallcloud.catalog.component import Limit, ServiceUser, Term
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Kind, Network, Site

USER = ServiceUser("neutron", ("admin", "service"))
"""As whom Neutron tells Nova of ports: Nova takes external events from admins and services."""
BUS = "neutron"
DATABASE = "neutron"
POOL, OVERFLOW = 3, 12
VXLAN_BYTES = 50
"""What VXLAN over IPv4 puts around a packet (RFC 7348: Ethernet 14, IP 20, UDP 8, VXLAN 8)."""
DERIVED = (
    *openstack.DERIVED_BUS,
    *openstack.derived_database(),
    "default.core_plugin",
    "default.global_physnet_mtu",
    "default.service_plugins",
    "ml2.extension_drivers",
    "ml2.mechanism_drivers",
    "ml2.path_mtu",
    "ml2.physical_network_mtus",
    "ml2.project_network_types",
    "ml2.type_drivers",
    "ml2_type_flat.flat_networks",
)


def connections(component: str, processes: int) -> Limit:
    """Database connections."""
    each = POOL + OVERFLOW
    return Limit(
        component,
        "database_connections",
        (Term(f"{processes} processes with a pool of {POOL} + {OVERFLOW}", processes * each),),
    )


def worker(place: Place, program: str, ready: tuple[str, ...] | None = None) -> Iterator[Resource]:
    """A part without an API of its own."""
    return openstack.worker(
        place,
        program=program,
        file="neutron.conf",
        whole=settings(place),
        lines=(f"Environment=PYTHONPATH={plugins.FOLDER}",),
        restart_on=plugins.paths("flat_guard.py"),
        ready=ready,
    )


def physical(place: Place) -> dict[str, Network]:
    """The site's networks that Neutron knows as physical ones, by name."""
    return {name: it for name, it in place.site.networks.items() if it.kind in (Kind.FLOATING, Kind.FLAT)}


def quotas(site: Site) -> dict[str, oslo.Setting]:
    """[quotas]: what every project may have; Neutron's API has none for all."""
    given = site.quotas
    return {
        "quota_network": given.networks,
        "quota_subnet": given.subnets,
        "quota_router": given.routers,
        "quota_port": given.ports,
        "quota_floatingip": given.floating_ips,
        "quota_security_group": given.security_groups,
        "quota_security_group_rule": given.security_group_rules,
    }


def settings(place: Place) -> oslo.Settings:
    """What every part on control has."""
    wires = physical(place)
    overlay = place.network(Kind.OVERLAY)[1].mtu
    return oslo.together(
        bus.settings(place),
        {
            "DEFAULT": {
                **openstack.logging(),
                "core_plugin": "ml2",
                "service_plugins": ("router", "wallcloud_plugins.flat_guard.FlatGuard"),
                "host": place.node,
                "state_path": f"/var/lib/wallcloud/{place.component.name}",
                # The largest frame of any wire; each network's own is named below.
                "global_physnet_mtu": max((overlay, *(network.mtu for network in wires.values()))),
                "dns_domain": f"{place.site.domain}.",
                "rpc_workers": 1,
                "rpc_state_report_workers": 0,
                "executor_thread_pool_size": 16,
            },
            "database": database.group(place, DATABASE, POOL, OVERFLOW),
            "ml2": {
                "type_drivers": ("flat", "vxlan"),
                "project_network_types": ("vxlan",),
                "mechanism_drivers": ("openvswitch", "l2population"),
                "extension_drivers": ("port_security",),
                "path_mtu": overlay,
                "physical_network_mtus": tuple(f"{name}:{network.mtu}" for name, network in wires.items()),
            },
            "ml2_type_flat": {"flat_networks": tuple(wires)},
            # Each number is a row that every start looks at: sixteen million of them take minutes.
            "ml2_type_vxlan": {"vni_ranges": ("1:10000",)},
            "quotas": quotas(place.site),
            "oslo_concurrency": {"lock_path": f"/run/wallcloud-{place.component.name}"},
        },
        _tells_nova(place),
    )


def _tells_nova(place: Place) -> oslo.Settings:
    """As USER, where the part has one; else not at all."""
    if not place.component.user:
        return {"DEFAULT": {"notify_nova_on_port_status_changes": False, "notify_nova_on_port_data_changes": False}}
    whole = {**openstack.credentials(place), "region_name": place.site.region, "endpoint_type": "internal"}
    return {"nova": whole}
