"""What a tenant makes for itself at the public door, and how it takes everything away again."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wallcloud.catalog.offerings import GUEST
from wallcloud.verify.hands import Trouble
from wallcloud.verify.tenants.client import Client, until
from wallcloud.verify.tenants.scenario import Guest, Scenario, Tenant

OPEN_PORTS = (7, 80, 82)
"""What the security group lets in; on 82 no guest listens."""
CLOSED_PORT = 81
BUILD_SECONDS, GONE_SECONDS = 240.0, 120.0
_DEVICES_OF_NEUTRON = "network:"


@dataclass
class Things:
    """What one tenant has, by the names of its guests where there are several."""

    client: Client
    user_data: bytes = b""
    public_key: str = ""
    network: dict[str, Any] = field(default_factory=dict)
    subnet: dict[str, Any] = field(default_factory=dict)
    router: dict[str, Any] = field(default_factory=dict)
    group: str = ""
    flat: dict[str, dict[str, Any]] = field(default_factory=dict)
    ports: dict[str, dict[str, Any]] = field(default_factory=dict)
    floating: dict[str, str] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the user-data, in hex."""
        return sha256(self.user_data).hexdigest()

    def address(self, guest: Guest) -> str:
        """The address that its port has. Raises Trouble where there is no port."""
        if guest.name not in self.ports:
            raise Trouble(f"{guest.name} was never made")
        return str(self.ports[guest.name]["fixed_ips"][0]["ip_address"])

    def server(self, guest: Guest) -> str:
        """The id of its server. Raises Trouble where it was never made."""
        if guest.name not in self.servers:
            raise Trouble(f"{guest.name} was never made")
        return self.servers[guest.name]

    @property
    def outer(self) -> tuple[str, ...]:
        """Its router's own addresses on the floating network."""
        gateway = self.router.get("external_gateway_info") or {}
        return tuple(str(each["ip_address"]) for each in gateway.get("external_fixed_ips", ()))

    def tap(self, guest: Guest) -> str:
        """The name of its tap on the compute. Raises Trouble where there is no port."""
        if guest.name not in self.ports:
            raise Trouble(f"{guest.name} was never made")
        return f"tap{self.ports[guest.name]['id'][:11]}"


def make(client: Client, scenario: Scenario, tenant: Tenant, things: Things) -> None:
    """Fills `things` as it goes, so that what was made is known where it stops. Raises Trouble."""
    things.user_data = (
        f"# of {tenant.name}: {base64.b64encode(sha256(client.project.encode()).digest()).decode()}\n".encode()
    )
    things.group = _group(client, tenant)
    if tenant.private:
        _private(client, scenario, tenant, things)
    key = Ed25519PrivateKey.generate().public_key()
    things.public_key = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    keypair = {"keypair": {"name": tenant.name, "public_key": things.public_key}}
    client.want("POST", "compute", "os-keypairs", keypair)
    image = _offered(client, "image", f"images?status=active&name={GUEST}", "images", GUEST)
    flavor = _offered(client, "compute", "flavors", "flavors", scenario.flavor)
    hints: dict[str, Any] = {}
    if scenario.spread and tenant.private:
        group = {"server_group": {"name": tenant.name, "policy": "anti-affinity"}}
        hints = {"group": client.want("POST", "compute", "os-server-groups", group)["server_group"]["id"]}
    last = ""
    for guest in tenant.guests:
        things.ports[guest.name] = _port(client, guest, things)
        if guest.floating:
            things.floating[guest.name] = _floating(client, tenant, things.ports[guest.name]["id"])
        server = {
            "name": guest.name,
            "imageRef": image,
            "flavorRef": flavor,
            "key_name": tenant.name,
            "networks": [{"port": things.ports[guest.name]["id"]}],
            "user_data": base64.b64encode(things.user_data).decode(),
        }
        body: dict[str, Any] = {"server": server}
        apart = bool(hints) and not guest.flat
        if apart:
            body["os:scheduler_hints"] = hints
            if last:
                _placed(client, last)
        things.servers[guest.name] = client.want("POST", "compute", "servers", body)["server"]["id"]
        if apart:
            last = things.servers[guest.name]


def _placed(client: Client, server: str) -> None:
    """Waits until a compute has taken it. Where two of an anti-affine group are asked for at once, Nova's scheduler may
    send both to one compute, which then refuses both (nova.compute.manager, _validate_instance_group_policy): the way
    to have what the group promises is one after the other. Raises Trouble where none takes it."""

    def look() -> bool | None:
        shown = client.want("GET", "compute", f"servers/{server}")["server"]
        return True if shown["hostId"] or shown["status"] == "ERROR" else None

    until("no compute takes the server", BUILD_SECONDS, look)


def _group(client: Client, tenant: Tenant) -> str:
    body = {"security_group": {"name": tenant.name}}
    group = str(client.want("POST", "network", "security-groups", body)["security_group"]["id"])
    wanted: list[dict[str, Any]] = [{"protocol": "icmp"}, {"protocol": "udp", "port_range_min": 7, "port_range_max": 9}]
    wanted += [{"protocol": "tcp", "port_range_min": port, "port_range_max": port} for port in OPEN_PORTS]
    rules = [{"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", **each} for each in wanted]
    client.want("POST", "network", "security-group-rules", {"security_group_rules": rules})
    return group


def _private(client: Client, scenario: Scenario, tenant: Tenant, things: Things) -> None:
    things.network = client.want("POST", "network", "networks", {"network": {"name": tenant.name}})["network"]
    subnet = {
        "name": tenant.name,
        "network_id": things.network["id"],
        "ip_version": 4,
        "cidr": str(scenario.private),
    }
    things.subnet = client.want("POST", "network", "subnets", {"subnet": subnet})["subnet"]
    outer = network(client, tenant.external)
    router = {"name": tenant.name, "external_gateway_info": {"network_id": outer["id"]}}
    things.router = client.want("POST", "network", "routers", {"router": router})["router"]
    way = f"routers/{things.router['id']}/add_router_interface"
    client.want("PUT", "network", way, {"subnet_id": things.subnet["id"]})


def _port(client: Client, guest: Guest, things: Things) -> dict[str, Any]:
    body: dict[str, Any] = {"name": guest.name, "security_groups": [things.group]}
    if guest.flat:
        things.flat[guest.flat] = network(client, guest.flat)
        body["network_id"] = things.flat[guest.flat]["id"]
    else:
        body["network_id"] = things.network["id"]
        body["fixed_ips"] = [{"subnet_id": things.subnet["id"], "ip_address": guest.address}]
    made: dict[str, Any] = client.want("POST", "network", "ports", {"port": body})["port"]
    return made


def _floating(client: Client, tenant: Tenant, port: str) -> str:
    body = {"floating_network_id": network(client, tenant.external)["id"], "port_id": port}
    made = client.want("POST", "network", "floatingips", {"floatingip": body})["floatingip"]
    return str(made["floating_ip_address"])


def network(client: Client, name: str) -> dict[str, Any]:
    """A network of the site as the tenant sees it. Raises Trouble where there is none."""
    found = client.want("GET", "network", f"networks?name={name}")["networks"]
    if not found:
        raise Trouble(f"the cloud shows this tenant no network {name}")
    shown: dict[str, Any] = found[0]
    return shown


def _offered(client: Client, service: str, path: str, kind: str, name: str) -> str:
    found = client.want("GET", service, path)[kind]
    ours = [str(each["id"]) for each in found if each["name"] == name]
    if not ours:
        raise Trouble(f"among the {kind} that the cloud offers, {name} is not: {[each['name'] for each in found]}")
    return ours[0]


def active(client: Client, server: str) -> dict[str, Any]:
    """Waits until the server is. Raises Trouble where it comes to nothing."""

    def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = client.want("GET", "compute", f"servers/{server}")["server"]
        if shown["status"] == "ERROR":
            raise Trouble(f"{shown['name']} is in error: {shown.get('fault', {}).get('message', 'no fault told')}")
        return shown if shown["status"] == "ACTIVE" else None

    return until("the server is not active", BUILD_SECONDS, look)


def attempts(admin: Client, server: str) -> str:
    """What went wrong while it was made, by compute, in the words of the last line of each traceback: "compute1:
    PortBindingFailed: …". A tenant is told only that no host is left. Source: Nova's os-instance-actions."""
    where = f"servers/{server}/os-instance-actions"
    found = []
    for action in admin.want("GET", "compute", where)["instanceActions"]:
        events = admin.want("GET", "compute", f"{where}/{action['request_id']}")["instanceAction"]["events"]
        for event in sorted(events, key=lambda event: str(event["start_time"])):
            said = (event.get("traceback") or event.get("details") or "").strip().splitlines()
            if event["result"] == "Error" and said:
                found.append(f"{event.get('host') or event['event']}: {said[-1].strip()}")
    return "; ".join(found)


def remove(client: Client) -> None:
    """Everything of the project that a member can take away. Raises Trouble where something stays."""

    def mine(service: str, path: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.want("GET", service, path)[key]
        return found

    def each(items: list[dict[str, Any]], service: str, path: str) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda item: client.gone(service, f"{path}/{item['id']}"), items))

    own = f"project_id={client.project}"
    servers = mine("compute", "servers", "servers")
    each(servers, "compute", "servers")
    each(mine("network", f"floatingips?{own}", "floatingips"), "network", "floatingips")
    if servers:
        until("servers are still there", GONE_SECONDS, lambda: None if mine("compute", "servers", "servers") else True)
    for router in mine("network", f"routers?{own}", "routers"):
        for port in mine("network", f"ports?device_id={router['id']}", "ports"):
            if port["device_owner"] != "network:router_gateway":
                way = f"routers/{router['id']}/remove_router_interface"
                client.want("PUT", "network", way, {"port_id": port["id"]})
        client.gone("network", f"routers/{router['id']}")
    ports = mine("network", f"ports?{own}", "ports")
    each([port for port in ports if not port["device_owner"].startswith(_DEVICES_OF_NEUTRON)], "network", "ports")
    each(mine("network", f"networks?{own}", "networks"), "network", "networks")
    groups = mine("network", f"security-groups?{own}", "security_groups")
    each([group for group in groups if group["name"] != "default"], "network", "security-groups")
    each(mine("compute", "os-server-groups", "server_groups"), "compute", "os-server-groups")
    for pair in mine("compute", "os-keypairs", "keypairs"):
        client.gone("compute", f"os-keypairs/{pair['keypair']['name']}")
    images = mine("image", f"images?owner={client.project}", "images")
    each([image for image in images if image["owner"] == client.project], "image", "images")
