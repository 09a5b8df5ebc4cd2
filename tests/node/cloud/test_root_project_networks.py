"""Networks that the site gives to projects, on real Keystone and Neutron: all is made, a hand's change of any property
is seen and mended, what is used stays."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.node.cloud.disturbances import ask, on_network, segment, untagged
from tests.node.cloud.servers import PASSWORD, Servers, servers
from tests.node.cloud.world import Here

from wallcloud.node.resource import Resource, ResourceFailed
from wallcloud.node.resources import (
    CloudAccess,
    CloudNetwork,
    CloudOwnLimits,
    CloudProjectNetwork,
    CloudRouter,
    CloudSubnet,
    ExclusiveCloudNetworks,
    ExclusiveCloudRouters,
    IdentityProject,
)
from wallcloud.node.resources.cloud_client import listed, own_project
from wallcloud.node.resources.cloud_network import network
from wallcloud.node.resources.cloud_router import router
from wallcloud.node.resources.identity_accounts import project

pytestmark = pytest.mark.root
Disturbance = Callable[[Servers, Here, Any], None]


def outer(access: CloudAccess, name: str, number: int) -> tuple[Resource, Resource]:
    return (
        CloudNetwork(access=access, network=name, physical_network=name, external=True),
        CloudSubnet(
            access=access,
            subnet=name,
            network=name,
            cidr=f"198.18.{number}.0/24",
            gateway=f"198.18.{number}.1",
            first=f"198.18.{number}.10",
            last=f"198.18.{number}.250",
            dhcp=False,
        ),
    )


def given(access: CloudAccess, name: str, project: str, number: int, gateway: str | None) -> tuple[Resource, Resource]:
    return (
        CloudProjectNetwork(access=access, network=name, project=project),
        CloudSubnet(
            access=access,
            subnet=name,
            network=name,
            cidr=f"198.18.{number}.0/24",
            gateway=gateway,
            first=f"198.18.{number}.2",
            last=f"198.18.{number}.254",
            dhcp=True,
        ),
    )


def whole(access: CloudAccess) -> tuple[Resource, ...]:
    """In the order of the offerings."""
    identity = access.identity
    return (
        IdentityProject(access=identity, project="sales"),
        IdentityProject(access=identity, project="workshop"),
        *outer(access, "floating-a", 41),
        *outer(access, "floating-b", 42),
        ExclusiveCloudRouters(access=access),
        CloudOwnLimits(access=access),
        *given(access, "sales", "sales", 61, "198.18.61.1"),
        CloudRouter(
            access=access,
            router="sales",
            networks=("sales",),
            gateway="floating-a",
            address="198.18.41.2",
            snat=False,
        ),
        *given(access, "machines", "workshop", 63, None),
        ExclusiveCloudNetworks(access=access),
    )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("cloud")) as made:
        yield made


def context(cloud: Servers, *resources: Resource) -> Here:
    return Here(cloud.folder / "images", *(resources or whole(cloud.access)), admin=PASSWORD)


@pytest.fixture
def here(cloud: Servers) -> Here:
    return context(cloud)


# -- hands


def on_router(**values: Any) -> Disturbance:
    def act(cloud: Servers, here: Here, resource: Any) -> None:
        found = router(here, cloud.access, resource.router)
        assert found
        ask(cloud, here, "network", "PUT", f"/v2.0/routers/{found['id']}", {"router": values})

    return act


def gateway(name: str, **values: Any) -> Disturbance:
    def act(cloud: Servers, here: Here, resource: Any) -> None:
        outside = network(here, cloud.access, name)
        assert outside
        on_router(external_gateway_info={"network_id": outside["id"], **values})(cloud, here, resource)

    return act


def unplugged(cloud: Servers, here: Here, resource: Any) -> None:
    """From its own network, and into another of the site's."""
    there, other = router(here, cloud.access, resource.router), network(here, cloud.access, "machines")
    mine = network(here, cloud.access, "sales")
    assert there and other and mine
    where = f"/v2.0/routers/{there['id']}"
    ask(cloud, here, "network", "PUT", f"{where}/remove_router_interface", {"subnet_id": mine["subnets"][0]})
    port = ask(cloud, here, "network", "POST", "/v2.0/ports", {"port": {"network_id": other["id"]}})["port"]
    ask(cloud, here, "network", "PUT", f"{where}/add_router_interface", {"port_id": port["id"]})


def everybody(cloud: Servers, here: Here, resource: Any) -> None:
    """Another may use it, and its own project no longer."""
    found = network(here, cloud.access, resource.network)
    assert found
    where = "/v2.0/rbac-policies"
    for each in listed(here, cloud.access, "network", where, object_id=found["id"]) or ():
        ask(cloud, here, "network", "DELETE", f"{where}/{each['id']}")
    body = {"object_type": "network", "object_id": found["id"], "action": "access_as_shared", "target_tenant": "*"}
    ask(cloud, here, "network", "POST", where, {"rbac_policy": body})


def quota(key: str) -> Disturbance:
    def act(cloud: Servers, here: Here, resource: Any) -> None:
        where = f"/v2.0/quotas/{own_project(here, cloud.access)}"
        ask(cloud, here, "network", "PUT", where, {"quota": {key: 7}})

    return act


def stray_router(cloud: Servers, here: Here, resource: Any) -> None:
    """What an earlier version of the site had Wallcloud make."""
    made = ask(cloud, here, "network", "POST", "/v2.0/routers", {"router": {"name": "old"}})["router"]
    ask(cloud, here, "network", "PUT", f"/v2.0/routers/{made['id']}/tags/wallcloud")


TABLE: dict[tuple[str, str], Disturbance] = {
    ("cloud-project-network", "type"): segment("network_type = 'vlan'"),
    ("cloud-project-network", "external"): on_network(router__external=True),
    ("cloud-project-network", "usable by"): everybody,
    ("cloud-project-network", "port security"): on_network(port_security_enabled=False),
    ("cloud-project-network", "up"): on_network(admin_state_up=False),
    ("cloud-project-network", "marked"): untagged("networks"),
    ("cloud-own-limits", "networks"): quota("network"),
    ("cloud-own-limits", "subnets"): quota("subnet"),
    ("cloud-own-limits", "pools"): quota("subnetpool"),
    ("cloud-own-limits", "routers"): quota("router"),
    ("cloud-own-limits", "ports"): quota("port"),
    ("cloud-own-limits", "shares"): quota("rbac_policy"),
    ("cloud-router", "gateway"): gateway("floating-b"),
    ("cloud-router", "address"): gateway("floating-a", external_fixed_ips=[{"ip_address": "198.18.41.9"}]),
    ("cloud-router", "snat"): gateway("floating-a", enable_snat=True),
    ("cloud-router", "networks"): unplugged,
    ("cloud-router", "up"): on_router(admin_state_up=False),
    ("cloud-router", "marked"): untagged("routers"),
    ("exclusive-cloud-routers", "strangers"): stray_router,
}
KINDS = {kind for kind, _ in TABLE}


def test_all_is_made_from_nothing(cloud: Servers, here: Here) -> None:
    here.converge()
    assert here.changes() == {}
    there = router(here, cloud.access, "sales")
    assert there and [each["ip_address"] for each in there["external_gateway_info"]["external_fixed_ips"]] == [
        "198.18.41.2"
    ]
    inner = [
        each["fixed_ips"][0]["ip_address"]
        for each in listed(here, cloud.access, "network", "/v2.0/ports", device_id=there["id"]) or ()
        if each["device_owner"] == "network:router_interface"
    ]
    assert inner == ["198.18.61.1"]


def test_every_property_has_a_disturbance(here: Here) -> None:
    assert {(each.kind, name) for each in here.resources for name in each.desired(here) if each.kind in KINDS} == set(
        TABLE
    )


@pytest.mark.parametrize(("kind", "name"), sorted(TABLE.keys() - {("cloud-project-network", "type")}), ids=str)
def test_a_hand_is_seen_and_mended(cloud: Servers, here: Here, kind: str, name: str) -> None:
    wanted = "machines" if (kind, name) == ("cloud-project-network", "external") else "sales"
    every = [each for each in here.resources if each.kind == kind]
    resource = next((each for each in every if each.name == wanted), every[0])
    TABLE[kind, name](cloud, here, resource)
    seen = here.changes()
    assert name in seen.get(f"{kind} {resource.name}", ()), seen
    here.converge()
    assert here.changes() == {}


def test_a_network_is_not_moved(cloud: Servers, here: Here) -> None:
    resource = next(each for each in here.resources if each.kind == "cloud-project-network")
    TABLE["cloud-project-network", "type"](cloud, here, resource)
    try:
        with pytest.raises(ResourceFailed, match="refused: the network sales is vlan"):
            here.converge()
    finally:
        there = network(here, cloud.access, "sales")
        assert there
        back = "network_type = 'vxlan'"
        cloud.sql("neutron", f"UPDATE networksegments SET {back} WHERE network_id = '{there['id']}'")


def vm(cloud: Servers, here: Here) -> str:
    """A port of the project's on its network, as Nova makes one for a VM."""
    there, tenant = network(here, cloud.access, "sales"), project(here, cloud.access.identity, "sales", "Default")
    assert there and tenant
    body = {"network_id": there["id"], "project_id": tenant.id, "device_owner": "compute:nova", "device_id": "a-vm"}
    return str(ask(cloud, here, "network", "POST", "/v2.0/ports", {"port": body})["port"]["id"])


def without(cloud: Servers, *names: str) -> Here:
    return context(cloud, *(each for each in whole(cloud.access) if each.name not in names))


def test_what_a_vm_uses_stays_with_its_router(cloud: Servers, here: Here) -> None:
    """The site named the network before; nothing of it goes, so that the VM is not cut off."""
    port = vm(cloud, here)
    kept = [each for each in whole(cloud.access) if each.name != "sales" or each.kind == "identity-project"]
    less = context(cloud, *kept)
    with pytest.raises(ResourceFailed) as failed:
        less.converge()
    assert failed.value.what == "refused: the network sales is in use (1 compute:nova)"
    assert here.changes() == {}, "nothing of it went"
    ask(cloud, here, "network", "DELETE", f"/v2.0/ports/{port}")
    less.converge()
    assert less.changes() == {}
    assert network(less, cloud.access, "sales") is None and router(less, cloud.access, "sales") is None
    here.converge()
    assert here.changes() == {}


def test_a_router_leaves_a_network_that_stays(cloud: Servers, here: Here) -> None:
    """Also with a VM on it: the site says that it has no way out. The subnet loses its gateway with it."""
    port = vm(cloud, here)
    isolated = given(cloud.access, "sales", "sales", 61, None)
    kept = [each for each in whole(cloud.access) if each.name != "sales" or each.kind == "identity-project"]
    less = context(cloud, *kept[:-1], *isolated, kept[-1])
    less.converge()
    assert less.changes() == {}
    assert router(less, cloud.access, "sales") is None
    here.converge()
    assert here.changes() == {}
    ask(cloud, here, "network", "DELETE", f"/v2.0/ports/{port}")


def test_more_than_tenants_may_have(cloud: Servers, here: Here) -> None:
    """Neutron's own default is 10 routers: the eleventh beside ours."""
    made = [
        ask(cloud, here, "network", "POST", "/v2.0/routers", {"router": {"name": "more"}})["router"]["id"]
        for _ in range(10)
    ]
    assert here.changes() == {}, "they are an admin's own: not marked"
    for each in made:
        ask(cloud, here, "network", "DELETE", f"/v2.0/routers/{each}")


def test_tenants_networks_with_our_mark_stay(cloud: Servers, here: Here) -> None:
    """Nothing of a tenant's is ever taken for ours."""
    tenant = project(here, cloud.access.identity, "sales", "Default")
    assert tenant
    for what in ("network", "router"):
        body = {"project_id": tenant.id, "name": "theirs"}
        made = ask(cloud, here, "network", "POST", f"/v2.0/{what}s", {what: body})[what]
        ask(cloud, here, "network", "PUT", f"/v2.0/{what}s/{made['id']}/tags/wallcloud")
        assert here.changes() == {}
        ask(cloud, here, "network", "DELETE", f"/v2.0/{what}s/{made['id']}")


def test_what_does_not_answer_is_absent(cloud: Servers) -> None:
    """Last: it ends Neutron."""
    cloud.processes["network"].kill()
    cloud.processes["network"].wait()
    fresh = context(cloud)
    assert all(each.read(fresh) is None for each in fresh.resources if not each.kind.startswith("identity"))
