"""Some programs never run on control, whatever they listen on."""

from collections.abc import Iterator

from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule
from wallcloud.site.model import Role

TENANTS, PACKETS, LOAD = (
    "tenants and their VMs talk to it",
    "it forwards or answers VMs' packets",
    "it wants the processors and disks that the databases need",
)
NEVER = {
    **dict.fromkeys(
        ("bind", "console-proxy", "horizon", "nova-metadata", "nova-spicehtml5proxy", "public-door"), TENANTS
    ),
    **dict.fromkeys(
        (
            "guest-links",
            "haproxy",
            "libvirt",
            "neutron-dhcp-agent",
            "neutron-l3-agent",
            "neutron-metadata-agent",
            "neutron-ovs-agent",
            "nova-compute",
            "octavia-agent",
            "openvswitch",
        ),
        PACKETS,
    ),
    "ceilometer": LOAD,
}
"""Component, also the beginning of its name before a dash → why not."""


def _check(catalog: Catalog) -> Iterator[Breach]:
    for component in catalog.values():
        if Role.CONTROL not in component.roles:
            continue
        for name, reason in NEVER.items():
            if component.name == name or component.name.startswith(f"{name}-"):
                yield Breach(component.name, "roles", f"runs on control, and {reason}")


RULE = CatalogRule(
    id="never-on-control",
    forbids="BIND, nova-metadata, the dashboard, console proxies, switches, agents, hypervisors or meters on control",
    why="control administers the cloud: no packet of a tenant or VM ends there or passes, whatever the firewall says",
    mend="BIND, dashboard and consoles belong to the api role; metadata and agents to network; libvirt to compute",
    check=_check,
)
