"""What Nova's parts have in common: settings, the user in Keystone, pools, what no option may replace."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, database, openstack, oslo
from wallcloud.catalog.component import Limit, ServiceUser, Term
from wallcloud.catalog.place import Place
from wallcloud.catalog.rabbitmq import CONSUMED
from wallcloud.node.resource import Resource

USER = ServiceUser("nova", ("admin", "service"))
"""As whom API, scheduler and conductor act: Neutron lets only an admin bind ports for others."""
BUS = "nova"
NETLINK = "RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK"
"""openstacksdk asks the kernel for the node's addresses when it connects (psutil)."""
POOL, OVERFLOW = 3, 7
MAIN, API, CELL0 = "nova", "nova_api", "nova_cell0"
DERIVED = (*openstack.DERIVED_BUS, "default.host", "default.my_ip", "default.state_path")
DERIVED_CELLS = (*openstack.derived_database(), *openstack.derived_database("api_database"))


def connections(component: str, processes: int) -> Limit:
    """Database connections: each process may talk to the API's database and to two cells."""
    each = 3 * (POOL + OVERFLOW)
    text = f"{processes} processes with three databases (API, cell, cell 0) of {POOL} + {OVERFLOW}"
    return Limit(component, "database_connections", (Term(text, processes * each),))


def settings(place: Place) -> oslo.Settings:
    """What every part has: logs, bus, the other services' APIs; no console, no notifications."""
    return oslo.together(
        bus.settings(place),
        {
            "DEFAULT": {
                **openstack.logging(),
                "my_ip": str(place.management),
                "host": place.node,
                "state_path": f"/var/lib/wallcloud/{place.component.name}",
            },
            "oslo_concurrency": {"lock_path": f"/run/wallcloud-{place.component.name}"},
            "glance": _adapter(place),
            "neutron": openstack.client(place),
            "placement": openstack.client(place),
            "vnc": {"enabled": False},
            "spice": {"enabled": False},
        },
        openstack.service_token(place),
    )


def with_cells(place: Place) -> oslo.Settings:
    """The databases, for the parts that know the cells: their URLs are templates filled from here."""
    return {
        "database": database.group(place, MAIN, POOL, OVERFLOW),
        "api_database": database.group(place, API, POOL, OVERFLOW),
    }


def worker(place: Place, queue: str, whole: oslo.Settings) -> Iterator[Resource]:
    """A part that takes its work from a queue of the bus."""
    return openstack.worker(
        place,
        program=place.component.name,
        file="nova.conf",
        whole=whole,
        lines=(NETLINK,),
        ready=("/usr/bin/python3", "-I", CONSUMED, BUS, queue),
    )


def _adapter(place: Place) -> dict[str, oslo.Setting]:
    """Glance is called with the user's own token: no credentials."""
    whole = openstack.client(place)
    return {name: whole[name] for name in ("cafile", "insecure", "region_name", "valid_interfaces")}
