"""On real APIs of OpenStack: all is offered, a hand's change of any property is seen and mended, what is used stays.

It needs no privilege, but a minute or two: databases, and five services. `WALLCLOUD_ENVIRONMENT` may name an unpacked
environment.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.node.cloud import world
from tests.node.cloud.disturbances import OTHER, REFUSED, TABLE, ask, vm, vm_gone
from tests.node.cloud.servers import PASSWORD, Servers, servers
from tests.node.cloud.world import Here

from wallcloud.node.resource import Resource, ResourceFailed
from wallcloud.node.resources import CloudImage
from wallcloud.node.resources.cloud_client import listed
from wallcloud.node.resources.cloud_image import images, offered
from wallcloud.node.resources.cloud_network import network
from wallcloud.node.spec import Spec, from_json, to_json

pytestmark = pytest.mark.root
CHOSEN = {"cloud-network": "floating-a", "cloud-subnet": "floating-a", "cloud-image": "guest"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("cloud")) as made:
        yield made


def context(cloud: Servers, *resources: Resource) -> Here:
    return Here(cloud.folder / "images", *(resources or world.whole(cloud.access)), admin=PASSWORD)


@pytest.fixture
def here(cloud: Servers) -> Here:
    return context(cloud)


def test_all_is_made_from_nothing(cloud: Servers, here: Here) -> None:
    assert {name.partition(" ")[0] for name in here.changes()} == {
        each.kind for each in here.resources if not each.kind.startswith(("exclusive", "kept"))
    }
    here.converge()
    assert here.changes() == {}
    found = offered(here, cloud.access, "guest")[0]
    assert (cloud.folder / "images" / found["id"]).read_bytes() == world.CONTENTS[world.DISK]
    assert found["kernel_id"] == offered(here, cloud.access, "kernel")[0]["id"]


def test_specs_go_over_the_wire(here: Here) -> None:
    spec = Spec("control", "2026.2", here.resources)
    assert from_json(to_json(spec)) == spec


def chosen(here: Here, kind: str, name: str) -> Any:
    which = "flat-a" if (kind, name) == ("cloud-subnet", "cidr") else CHOSEN.get(kind)
    return next(each for each in here.resources if each.kind == kind and which in {None, each.name})


@pytest.mark.parametrize(("kind", "name"), sorted(TABLE.keys() - REFUSED), ids=str)
def test_a_hand_is_seen_and_mended(cloud: Servers, here: Here, kind: str, name: str) -> None:
    resource = chosen(here, kind, name)
    TABLE[kind, name](cloud, here, resource)
    seen = here.changes()
    assert name in seen.get(f"{kind} {resource.name}", ()), seen
    here.converge()
    assert here.changes() == {}


@pytest.mark.parametrize(("kind", "name"), sorted(each for each in REFUSED if each[0] == "cloud-network"), ids=str)
def test_a_network_is_not_moved(cloud: Servers, here: Here, kind: str, name: str) -> None:
    resource = chosen(here, kind, name)
    there = network(here, cloud.access, "floating-a")
    assert there
    TABLE[kind, name](cloud, here, resource)
    try:
        assert name in here.changes()[f"{kind} {resource.name}"]
        with pytest.raises(ResourceFailed, match="refused: the network floating-a is on another wire"):
            here.converge()
    finally:
        back = "network_type = 'flat', physical_network = 'floating-a'"
        cloud.sql("neutron", f"UPDATE networksegments SET {back} WHERE network_id = '{there['id']}'")


def test_a_host_with_vms_stays(cloud: Servers, here: Here) -> None:
    """Nothing of it goes, and it is refused before anything else is touched."""
    vm(cloud, here, here.resources[0])
    seen = here.changes()
    assert seen == {"kept-computes computes with VMs": ["left out"], "exclusive-computes hosts": ["computes"]}
    for resource in (here.resources[0], here.resources[-1]):
        with pytest.raises(ResourceFailed, match="refused: gone holds 1 VM") as failed:
            resource.apply(here, ())
        assert failed.value.output == (f"vm ({OTHER})",)
    assert here.changes() == seen
    vm_gone(cloud)
    here.converge()
    assert here.changes() == {}


def test_every_property_has_a_disturbance(cloud: Servers, here: Here) -> None:
    properties = {(each.kind, name) for each in here.resources for name in each.desired(here)}
    assert properties == set(TABLE)


def test_a_network_that_somebody_uses_stays(cloud: Servers, here: Here) -> None:
    """The site named flat-a before; a tenant's port is on it."""
    there = network(here, cloud.access, "flat-a")
    assert there
    port = ask(cloud, here, "network", "POST", "/v2.0/ports", {"port": {"network_id": there["id"]}})["port"]
    less = context(cloud, *(each for each in here.resources if "flat-a" not in each.name))
    with pytest.raises(ResourceFailed) as failed:
        less.converge()
    assert failed.value.what == "refused: the network flat-a is in use (1 unattached)"
    assert here.changes() == {}, "nothing of it went"
    ask(cloud, here, "network", "DELETE", f"/v2.0/ports/{port['id']}")
    less.converge()
    assert network(less, cloud.access, "flat-a") is None
    here.converge()


def test_what_is_not_ours_stays(cloud: Servers, here: Here) -> None:
    """An admin's own things, and tenants' with our mark."""
    tenant = {"project_id": "a-tenant", "name": "theirs"}
    theirs = ask(cloud, here, "network", "POST", "/v2.0/networks", {"network": tenant})["network"]
    ask(cloud, here, "network", "PUT", f"/v2.0/networks/{theirs['id']}/tags/wallcloud")
    own = ask(cloud, here, "network", "POST", "/v2.0/networks", {"network": {"name": "own"}})["network"]
    size = {"name": "own", "id": "own", "vcpus": 1, "ram": 128, "disk": 1}
    ask(cloud, here, "compute", "POST", "/flavors", {"flavor": size})
    body = {"name": "guest", "disk_format": "raw", "container_format": "bare"}
    image = ask(cloud, here, "image", "POST", "/v2/images", body)
    assert here.changes() == {}
    for service, path in (
        ("network", f"/v2.0/networks/{theirs['id']}"),
        ("network", f"/v2.0/networks/{own['id']}"),
        ("compute", "/flavors/own"),
        ("image", f"/v2/images/{image['id']}"),
    ):
        ask(cloud, here, service, "DELETE", path)  # type: ignore[arg-type]


def test_other_content_is_another_image(cloud: Servers, here: Here) -> None:
    """The old one is hidden, and goes since no server was made of it; its kernel only after it."""
    old = offered(here, cloud.access, "guest")[0]["id"]
    changed = [each for each in here.resources if each.name != "guest"]
    guest = CloudImage(access=cloud.access, image="guest", digest=world.OTHER)
    position = next(index for index, each in enumerate(here.resources) if each.name == "guest")
    changed.insert(position, guest)
    other = context(cloud, *changed)
    guest.apply(other, guest.compare(other))
    other.cache.clear()
    assert [each["id"] for each in images(other, cloud.access, hidden=True) or ()] == [old]
    other.converge()
    assert other.changes() == {}
    assert images(other, cloud.access, hidden=True) == ()
    less = context(cloud, *(each for each in here.resources if each.kind != "cloud-image"))
    less.converge()
    assert less.changes() == {}
    assert images(less, cloud.access) == ()
    here.converge()


def test_a_flavor_of_an_admin_with_our_name(cloud: Servers, here: Here) -> None:
    ask(cloud, here, "compute", "DELETE", "/flavors/wallcloud-tiny")
    size = {"name": "tiny", "id": "own", "vcpus": 1, "ram": 128, "disk": 1}
    ask(cloud, here, "compute", "POST", "/flavors", {"flavor": size})
    with pytest.raises(ResourceFailed) as failed:
        here.converge()
    assert failed.value.what == "Nova answered 409"
    assert "tiny" in failed.value.output[0]
    ask(cloud, here, "compute", "DELETE", "/flavors/own")
    here.converge()


def test_a_plan_asks_each_list_once(cloud: Servers, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    from wallcloud.node.resources.api_client import Client

    asked: list[str] = []
    send = Client.send

    def noted(self: Client, method: str, url: str, *rest: Any, **more: Any) -> Any:
        asked.append(f"{method} {url}")
        return send(self, method, url, *rest, **more)

    monkeypatch.setattr(Client, "send", noted)
    assert here.changes() == {}
    assert len(asked) == len(set(asked)) <= 13, asked
    assert [each for each in asked if not each.startswith("GET")] == [
        f"POST {cloud.access.identity.url}/auth/tokens?nocatalog"
    ]


def test_what_does_not_answer_is_absent(cloud: Servers, here: Here) -> None:
    """Last: it ends the services one by one."""
    gone = {"compute": ("cloud-flavor", "cloud-quota"), "image": ("cloud-image",), "network": ("cloud-network",)}
    for service, kinds in gone.items():
        cloud.processes[service].kill()
        cloud.processes[service].wait()
        seen = {name.partition(" ")[0] for name in context(cloud).changes()}
        assert set(kinds) <= seen, service
    resource = chosen(here, "cloud-network", "up")
    with pytest.raises(ResourceFailed, match="Neutron does not answer"):
        resource.apply(here, ())
    cloud.processes["identity"].kill()
    fresh = context(cloud)
    guard, *others = fresh.resources
    assert guard.compare(fresh) == (), "nobody can tell"
    assert [each.read(fresh) for each in others] == [None] * len(others)
    assert listed(fresh, cloud.access, "network", "/v2.0/networks") is None
