"""Keeps routers off physical networks; neutron.conf: `service_plugins = router,wallcloud_plugins.flat_guard.FlatGuard`.

Flat networks are shared by all tenants and floating networks are external: both ride on a physical network. A router
with an *interface* there would answer for the physical router's address and lead others' traffic into a tenant's
networks. Neutron's policy cannot refuse that, as it sees only routers and subnets (neutron 29 refuses by subnet where a
network is shared with everyone, and by port never). Gateways are another thing: they take external networks only.

By subnet or by port, Neutron asks `ROUTER_INTERFACE BEFORE_CREATE` first, and answers 409 with our words. The other
order, a network that gets a physical segment when it has a router already, needs Neutron's `segments` API: refused too.
Provider attributes of a network cannot be changed (ML2 refuses any but the segmentation id).

The same for a network that an admin made and gave to a project: the project's VMs use it, but the way out of it is the
admin's. Neutron lets in any router of a project that a network is shared with alone.
"""

from __future__ import annotations

import importlib
from typing import Any

_events: Any = importlib.import_module("neutron_lib.callbacks.events")
_registry: Any = importlib.import_module("neutron_lib.callbacks.registry")
_resources: Any = importlib.import_module("neutron_lib.callbacks.resources")
_constants: Any = importlib.import_module("neutron_lib.constants")
_exceptions: Any = importlib.import_module("neutron_lib.exceptions")
_base: Any = importlib.import_module("neutron_lib.services.base")
_networks: Any = importlib.import_module("neutron.objects.network")
_ports: Any = importlib.import_module("neutron.objects.ports")


class RouterOnPhysicalNetwork(_exceptions.Conflict):  # type: ignore[misc]  # neutron_lib is not in our own environment
    """The veto; 409 where Neutron shows it itself."""

    message = (
        "network %(network)s rides on a physical network, where a router has no interface: routers have gateways on "
        "external networks, and interfaces on their project's own networks"
    )


class RouterOnGivenNetwork(_exceptions.Conflict):  # type: ignore[misc]
    """As above."""

    message = "network %(network)s is another project's, which shares it: the routers there are its own"


class FlatGuard(_base.ServicePluginBase):  # type: ignore[misc]
    """A service plugin without an API of its own."""

    def __init__(self) -> None:
        super().__init__()
        _registry.subscribe(self.router_interface, _resources.ROUTER_INTERFACE, _events.BEFORE_CREATE)
        _registry.subscribe(self.segment, _resources.SEGMENT, _events.PRECOMMIT_CREATE)

    @classmethod
    def get_plugin_type(cls) -> str:
        """Neutron's key for it."""
        return "wallcloud-flat-guard"

    def get_plugin_description(self) -> str:
        """Shown in neutron-server's log."""
        return "no router interface on a physical network"

    def router_interface(self, _resource: str, _event: str, _trigger: object, payload: Any) -> None:
        """Before a router gets an interface. Raises RouterOnPhysicalNetwork or RouterOnGivenNetwork."""
        network, caller = payload.metadata["network_id"], payload.context
        # Elevated: whose network it is makes no difference, nor whether the caller may see its provider attributes.
        elevated = caller.elevated()
        segments = _networks.NetworkSegment.get_objects(elevated, network_id=network)
        if any(segment.physical_network for segment in segments):
            raise RouterOnPhysicalNetwork(network=network)
        if not caller.is_admin:
            found = _networks.Network.get_object(elevated, id=network)
            if found is not None and found.project_id != caller.project_id:
                raise RouterOnGivenNetwork(network=network)

    def segment(self, _resource: str, _event: str, _trigger: object, payload: Any) -> None:
        """While a network gets a segment. Raises RouterOnPhysicalNetwork."""
        segment = payload.latest_state
        if not segment.physical_network or segment.is_dynamic:
            return
        if _ports.Port.objects_exist(
            payload.context.elevated(),
            network_id=segment.network_id,
            device_owner=list(_constants.ROUTER_INTERFACE_OWNERS),
        ):
            raise RouterOnPhysicalNetwork(network=segment.network_id)
