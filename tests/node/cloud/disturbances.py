"""What a hand does to each property of the kinds of this room, through the services' own APIs or in their databases."""

from collections.abc import Callable
from typing import Any, cast

from tests.node.cloud.servers import Servers
from tests.node.cloud.world import DISK, Here

from wallcloud.node.resource import Resource
from wallcloud.node.resources import CloudFlavor
from wallcloud.node.resources.cloud_client import Service, call, listed
from wallcloud.node.resources.cloud_image import offered
from wallcloud.node.resources.cloud_network import network, pool

Disturbance = Callable[[Servers, Here, Any], None]
OTHER = "00000000-1111-2222-3333-444444444444"


def ask(
    servers: Servers, here: Here, service: Service, method: str, path: str, body: Any = None, **headers: str
) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(here, servers.access, service, method, path, body, given)


def on_network(**values: Any) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = network(here, servers.access, resource.network)
        assert found
        body = {"network": {name.replace("__", ":"): value for name, value in values.items()}}
        ask(servers, here, "network", "PUT", f"/v2.0/networks/{found['id']}", body)

    return act


def segment(assignment: str) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = network(here, servers.access, resource.network)
        assert found
        servers.sql("neutron", f"UPDATE networksegments SET {assignment} WHERE network_id = '{found['id']}'")

    return act


def on_pool(**values: Any) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = pool(here, servers.access, resource.pool)
        assert found
        ask(servers, here, "network", "PUT", f"/v2.0/subnetpools/{found['id']}", {"subnetpool": values})

    return act


def on_subnet(**values: Any) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = resource.found(here)
        ask(servers, here, "network", "PUT", f"/v2.0/subnets/{found['id']}", {"subnet": values})

    return act


def other_subnet(**values: Any) -> Disturbance:
    """Deleted and made by hand with another value that Neutron never changes."""

    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = resource.found(here)
        ask(servers, here, "network", "DELETE", f"/v2.0/subnets/{found['id']}")
        body = {"name": resource.subnet, "network_id": found["network_id"], "ip_version": 4, **values}
        ask(servers, here, "network", "POST", "/v2.0/subnets", {"subnet": body})

    return act


def untagged(what: str) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = next(
            each
            for each in listed(here, servers.access, "network", f"/v2.0/{what}") or ()
            if each["name"] == resource.name
        )
        ask(servers, here, "network", "PUT", f"/v2.0/{what}/{found['id']}/tags", {"tags": ["by-hand"]})

    return act


def flavor(**values: Any) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        wanted = cast(CloudFlavor, resource)
        size = {"name": wanted.flavor, "id": wanted.id, "vcpus": 1, "ram": 128, "disk": 1}
        other = {name.replace("__", ":").replace("_", "-"): value for name, value in values.items()}
        ask(servers, here, "compute", "DELETE", f"/flavors/{wanted.id}")
        ask(servers, here, "compute", "POST", "/flavors", {"flavor": {**size, **other}})
        ask(
            servers,
            here,
            "compute",
            "POST",
            f"/flavors/{wanted.id}/os-extra_specs",
            {"extra_specs": {**dict(wanted.extra)}},
        )

    return act


def public(servers: Servers, here: Here, resource: Any) -> None:
    wanted = cast(CloudFlavor, resource)
    servers.sql("nova_api", f"UPDATE flavors SET is_public = 0 WHERE flavorid = '{wanted.id}'")


def ephemeral(servers: Servers, here: Here, resource: Any) -> None:
    wanted = cast(CloudFlavor, resource)
    servers.sql("nova_api", f"UPDATE flavors SET ephemeral_gb = 7 WHERE flavorid = '{wanted.id}'")


def extra_specs(servers: Servers, here: Here, resource: Any) -> None:
    where = f"/flavors/{resource.id}/os-extra_specs"
    ask(servers, here, "compute", "POST", where, {"extra_specs": {"hw:cpu_policy": "dedicated", "hw:numa_nodes": "1"}})


def quota(name: str) -> Disturbance:
    return lambda servers, here, resource: ask(
        servers, here, "compute", "PUT", "/os-quota-class-sets/default", {"quota_class_set": {name: 99}}
    )


def on_image(*acts: dict[str, Any]) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = offered(here, servers.access, resource.image)[0]
        patch = "application/openstack-images-v2.1-json-patch"
        ask(servers, here, "image", "PATCH", f"/v2/images/{found['id']}", list(acts), Content_Type=patch)

    return act


def replace(key: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": f"/{key}", "value": value}


def image_row(assignment: str) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Any) -> None:
        found = offered(here, servers.access, resource.image)[0]
        servers.sql("glance", f"UPDATE images SET {assignment} WHERE id = '{found['id']}'")

    return act


def half_uploaded(servers: Servers, here: Here, resource: Any) -> None:
    """As a converge leaves it that was killed before the upload's end."""
    body = {"name": resource.image, "disk_format": "raw", "container_format": "bare", "tags": ["wallcloud"]}
    ask(servers, here, "image", "POST", "/v2/images", body)


def rules(servers: Servers, here: Here, resource: Any) -> None:
    """One more, and one of ours gone."""
    where = "/v2.0/default-security-group-rules"
    found = listed(here, servers.access, "network", where) or ()
    ask(servers, here, "network", "DELETE", f"{where}/{found[0]['id']}")
    rule = {"direction": "ingress", "protocol": "icmp", "used_in_default_sg": True, "used_in_non_default_sg": True}
    ask(servers, here, "network", "POST", where, {"default_security_group_rule": rule})


def stray(what: str, name: str, **values: Any) -> Disturbance:
    """What an earlier version of the site had Wallcloud make."""

    def act(servers: Servers, here: Here, resource: Resource) -> None:
        there = network(here, servers.access, "flat-a")
        assert there
        given = {"network_id": there["id"]} if what == "subnets" else {}
        singular = what.removesuffix("s")
        made = ask(servers, here, "network", "POST", f"/v2.0/{what}", {singular: {"name": name, **values, **given}})
        ask(servers, here, "network", "PUT", f"/v2.0/{what}/{made[singular]['id']}/tags/wallcloud")

    return act


def stray_flavor(servers: Servers, here: Here, resource: Resource) -> None:
    size = {"name": "old", "id": "wallcloud-old", "vcpus": 1, "ram": 128, "disk": 1}
    ask(servers, here, "compute", "POST", "/flavors", {"flavor": size})


def stray_image(hidden: bool) -> Disturbance:
    def act(servers: Servers, here: Here, resource: Resource) -> None:
        body = {"name": "old", "disk_format": "raw", "container_format": "bare", "tags": ["wallcloud"]}
        made = ask(servers, here, "image", "POST", "/v2/images", {**body, "os_hidden": hidden})
        file = here.blobs((DISK,))[DISK]
        octets = "application/octet-stream"
        ask(servers, here, "image", "PUT", f"/v2/images/{made['id']}/file", file, Content_Type=octets)

    return act


def stray_compute(servers: Servers, here: Here, resource: Resource) -> None:
    """A nova-compute that reported, as it stands in the cell's database and in the API's."""
    time = "datetime('now')"
    servers.sql(
        "nova",
        "DELETE FROM services WHERE host = 'gone'",  # deleted ones stay as rows
        "INSERT INTO services (created_at, updated_at, deleted, host, binary, topic, report_count, disabled,"
        f" forced_down, version, uuid) VALUES ({time}, {time}, 0, 'gone', 'nova-compute', 'compute', 1, 0, 0, 70,"
        f" '{OTHER}')",
    )
    servers.sql(
        "nova_api",
        f"INSERT INTO host_mappings (created_at, cell_id, host) SELECT {time}, id, 'gone' FROM cell_mappings"
        " WHERE name = 'cell1'",
    )


def stray_agent(servers: Servers, here: Here, resource: Resource) -> None:
    time = "datetime('now')"
    servers.sql(
        "neutron",
        "INSERT INTO agents (id, agent_type, binary, topic, host, admin_state_up, created_at, started_at,"
        " heartbeat_timestamp, configurations, load) VALUES"
        f" ('{OTHER}', 'Open vSwitch agent', 'neutron-openvswitch-agent', 'N/A', 'gone', 1, {time}, {time}, {time},"
        " '{}', 0)",
    )


def stray_provider(servers: Servers, here: Here, resource: Resource) -> None:
    ask(servers, here, "placement", "POST", "/resource_providers", {"name": "gone", "uuid": OTHER})
    ask(servers, here, "placement", "POST", "/resource_providers", {"name": "compute1.internal.cloud.example"})


VM = """
import sys
from nova import config, context, objects
from nova.network.model import NetworkInfo
config.parse_args(["vm", "--config-file", "nova/nova.conf"])
objects.register_all()
admin = context.get_admin_context()
cell = next(each for each in objects.CellMappingList.get_all(admin) if each.name == "cell1")
size = objects.Flavor.get_by_flavor_id(admin, "wallcloud-tiny")
with context.target_cell(admin, cell) as inside:
    vm = objects.Instance(
        inside, uuid=sys.argv[1], project_id="a-tenant", user_id="somebody", host="gone", hostname="vm",
        display_name="vm", vm_state="active", power_state=1, image_ref="", flavor=size, old_flavor=None,
        new_flavor=None, metadata={}, system_metadata={}, key_name=None, launch_index=0, reservation_id="r-1",
        info_cache=objects.InstanceInfoCache(instance_uuid=sys.argv[1], network_info=NetworkInfo([])),
    )
    vm.create()
objects.InstanceMapping(admin, instance_uuid=vm.uuid, cell_mapping=cell, project_id="a-tenant", user_id="x").create()
"""
"""A VM as conductor and compute leave it in the databases, made by Nova's own objects."""


def vm(servers: Servers, here: Here, resource: Resource) -> None:
    """On a host that the site does not name."""
    stray_compute(servers, here, resource)
    servers.python(VM, OTHER)


def vm_gone(servers: Servers) -> None:
    servers.sql("nova_api", f"DELETE FROM instance_mappings WHERE instance_uuid = '{OTHER}'")
    servers.sql("nova", f"UPDATE instances SET deleted = id, host = NULL WHERE uuid = '{OTHER}'")


TABLE: dict[tuple[str, str], Disturbance] = {
    ("cloud-network", "physical network"): segment("physical_network = 'elsewhere'"),
    ("cloud-network", "type"): segment("network_type = 'vlan'"),
    ("cloud-network", "external"): on_network(router__external=False),
    ("cloud-network", "shared"): on_network(shared=True),
    ("cloud-network", "mtu"): on_network(mtu=1300),
    ("cloud-network", "port security"): on_network(port_security_enabled=False),
    ("cloud-network", "up"): on_network(admin_state_up=False),
    ("cloud-network", "marked"): untagged("networks"),
    ("cloud-subnet-pool", "prefixes"): on_pool(prefixes=["198.18.40.0/23"]),
    ("cloud-subnet-pool", "prefix length"): on_pool(default_prefixlen=26),
    ("cloud-subnet-pool", "address scope"): on_pool(address_scope_id=None),
    ("cloud-subnet-pool", "shared"): lambda servers, here, resource: servers.sql(
        "neutron",
        "INSERT INTO subnetpoolrbacs (id, object_id, project_id, target_project, action) SELECT"
        f" '{OTHER}', id, project_id, '*', 'access_as_shared' FROM subnetpools",
    ),
    ("cloud-subnet-pool", "marked"): untagged("subnetpools"),
    ("cloud-subnet", "cidr"): other_subnet(cidr="198.18.51.0/25"),
    ("cloud-subnet", "pool"): other_subnet(cidr="198.18.41.0/24"),
    ("cloud-subnet", "gateway"): on_subnet(gateway_ip="198.18.41.9"),
    ("cloud-subnet", "handed out"): on_subnet(allocation_pools=[{"start": "198.18.41.20", "end": "198.18.41.30"}]),
    ("cloud-subnet", "dhcp"): on_subnet(enable_dhcp=True),
    ("cloud-subnet", "dns"): on_subnet(dns_nameservers=["192.0.2.1"]),
    ("cloud-subnet", "marked"): untagged("subnets"),
    ("exclusive-cloud-networks", "networks"): stray("networks", "old"),
    ("exclusive-cloud-networks", "subnets"): stray("subnets", "old", cidr="192.0.2.0/24", ip_version=4),
    ("exclusive-cloud-networks", "pools"): stray("subnetpools", "old", prefixes=["192.0.2.0/24"]),
    ("cloud-default-rules", "rules"): rules,
    ("cloud-flavor", "vcpus"): flavor(vcpus=3),
    ("cloud-flavor", "ram"): flavor(ram=256),
    ("cloud-flavor", "disk"): flavor(disk=2),
    ("cloud-flavor", "swap"): flavor(swap=64),
    ("cloud-flavor", "ephemeral"): ephemeral,
    ("cloud-flavor", "public"): public,
    ("cloud-flavor", "extra specs"): extra_specs,
    ("exclusive-cloud-flavors", "strangers"): stray_flavor,
    ("cloud-quota", "cores"): quota("cores"),
    ("cloud-quota", "instances"): quota("instances"),
    ("cloud-image", "content"): on_image(replace("wallcloud_sha256", "0" * 64)),
    ("cloud-image", "disk format"): image_row("disk_format = 'qcow2'"),
    ("cloud-image", "container format"): image_row("container_format = 'ovf'"),
    ("cloud-image", "visibility"): on_image(replace("visibility", "private")),
    ("cloud-image", "min disk"): on_image(replace("min_disk", 9)),
    ("cloud-image", "min ram"): on_image(replace("min_ram", 9)),
    ("cloud-image", "properties"): on_image(
        {"op": "add", "path": "/hw_disk_bus", "value": "ide"}, replace("os_command_line", "init=/bin/sh")
    ),
    ("cloud-image", "kernel"): on_image({"op": "remove", "path": "/kernel_id"}),
    ("cloud-image", "ramdisk"): on_image({"op": "add", "path": "/ramdisk_id", "value": OTHER}),
    ("cloud-image", "marked"): on_image(replace("tags", ["by-hand"])),
    ("cloud-image", "others of the name"): half_uploaded,
    ("exclusive-cloud-images", "strangers"): stray_image(False),
    ("exclusive-cloud-images", "unused"): stray_image(True),
    ("kept-computes", "left out"): vm,
    ("exclusive-computes", "computes"): stray_compute,
    ("exclusive-computes", "agents"): stray_agent,
    ("exclusive-computes", "providers"): stray_provider,
}
REFUSED = {("cloud-network", "physical network"), ("cloud-network", "type"), ("kept-computes", "left out")}
"""Seen and refused: Neutron moves no network to another wire; VMs would be cut off."""
