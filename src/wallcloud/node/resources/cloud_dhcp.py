"""DHCP on the networks that Wallcloud makes: they come before the agents are there that could take them."""

from collections.abc import Iterable
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudResource, call
from wallcloud.node.resources.cloud_network import NETWORKS, PORTS, network, own, sure
from wallcloud.node.run import wait_for

SECONDS = 120
"""How long a fresh agent may take: it asks for a port and makes a namespace; 6 s where nothing else happens."""
_AGENTS = "/v2.0/agents"
_OWNER = "network:dhcp"
_RESERVED = "reserved_dhcp_port"
"""The `device_id` of a port that an agent gave back (neutron_lib.constants): its address waits for the next one."""
_DHCP = "neutron-dhcp-agent"
_NEEDED = {_DHCP, "neutron-openvswitch-agent"}
"""Neutron gives a network only to a host where both have said that they live."""


@frozen(kw_only=True)
class CloudDhcp(CloudResource):
    """A DHCP agent on one of `hosts` (`[DEFAULT] host`) has a port in `network`.

    Neutron gives a network to an agent when its subnet is made; where no agent was there at that time it waits until
    the network's first port is. An apply gives it by itself and ends when the port is ACTIVE.
    """

    kind: ClassVar[str] = "cloud-dhcp"
    network: str
    hosts: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.network

    def desired(self, ctx: Context) -> State:
        return {"served": True}

    def read(self, ctx: Context) -> State | None:
        around = network(ctx, self.access, self.network)
        return around and {"served": bool(_used(own(ctx, self.access, PORTS), around))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        sure(ctx, self.access, NETWORKS)
        around = network(ctx, self.access, self.network)
        if around is None:
            raise ResourceFailed(f"there is no network {self.network}", hint="it must come first in the spec")
        ctx.note(f"waits until DHCP answers on {self.network}")
        if not wait_for(lambda: self._served(ctx, around), SECONDS):
            raise ResourceFailed(
                f"no DHCP agent serves {self.network} after {SECONDS} s",
                tried=f"give it to the agent on {' or '.join(self.hosts)}",
                output=tuple(
                    f"{each['binary']} on {each['host']}: {'alive' if each['alive'] else 'dead'}"
                    for each in self._agents(ctx)
                ),
                hint=f"on {self.hosts[0]}: journalctl -u wallcloud-neutron-dhcp-agent -u wallcloud-neutron-ovs-agent",
            )

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "VMs there get addresses again" if any(each.before is False for each in changes) else ""

    def _served(self, ctx: Context, around: JSON) -> bool:
        """Whether the port is ACTIVE; gives the network to an agent once there is one that could take it."""
        used = _used(self._get(ctx, f"/v2.0/{PORTS}?network_id={around['id']}", PORTS), around)
        if not used and not self._get(ctx, f"/v2.0/networks/{around['id']}/dhcp-agents", "agents"):
            self._give(ctx, around)
        return any(each["status"] == "ACTIVE" for each in used)

    def _give(self, ctx: Context, around: JSON) -> None:
        alive = [each for each in self._agents(ctx) if each["alive"] and each["admin_state_up"]]
        for agent in alive:
            there = {each["binary"] for each in alive if each["host"] == agent["host"]}
            if agent["binary"] == _DHCP and there == _NEEDED:
                where = f"{_AGENTS}/{agent['id']}/dhcp-networks"
                call(ctx, self.access, "network", "POST", where, {"network_id": around["id"]})
                return

    def _agents(self, ctx: Context) -> list[JSON]:
        found = self._get(ctx, _AGENTS, "agents")
        return [each for each in found if each["host"] in self.hosts and each["binary"] in _NEEDED]

    def _get(self, ctx: Context, path: str, key: str) -> list[JSON]:
        found: list[JSON] = call(ctx, self.access, "network", "GET", path)[key]
        return found


def _used(ports: Iterable[JSON], around: JSON) -> list[JSON]:
    """Those that a DHCP agent has in a network now."""
    return [
        each
        for each in ports
        if (each["network_id"], each["device_owner"]) == (around["id"], _OWNER) and each["device_id"] != _RESERVED
    ]
