"""What the site's offerings become: pure, so looked at without a cloud."""

from tests.design import world as designs
from tests.design.world import example

from wallcloud.catalog.offerings import nova_quotas
from wallcloud.design.compile import compile_site
from wallcloud.node import resources as r
from wallcloud.site.model import Site

IMAGES = """images:
  debian:
    file: debian.qcow2
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    disk: 3
    properties: {hw_disk_bus: scsi}
flavors: {one: {vcpus: 3, memory: 333, disk: 30}}
quotas: {memory_gib: -1, cores: 7, floating_ips: 0}
limits: {"""


def changed() -> Site:
    return example("article", ("limits: {", IMAGES)).site


def test_quotas_in_each_services_words() -> None:
    assert nova_quotas(example().site) == (("cores", 20), ("instances", 10), ("ram", 51200))
    assert nova_quotas(changed()) == (("cores", 7), ("instances", 10), ("ram", -1))


def offered(kind: type, site_changed: bool = False) -> dict[str, object]:
    design = (
        compile_site(example("article", ("limits: {", IMAGES)), {}, designs.RELEASE)
        if site_changed
        else designs.designed()
    )
    return {each.name: each for each in design.specs["control"].resources if isinstance(each, kind)}


def test_networks_of_the_article() -> None:
    networks, subnets = offered(r.CloudNetwork), offered(r.CloudSubnet)
    assert list(networks) == ["floating-a", "floating-b", "flat-a", "flat-b"] == list(subnets)
    for name, network in networks.items():
        assert isinstance(network, r.CloudNetwork)
        assert (network.external, network.shared) == (name.startswith("floating"), name.startswith("flat"))
        subnet = subnets[name]
        assert isinstance(subnet, r.CloudSubnet)
        assert (subnet.dhcp, bool(subnet.pool)) == (network.shared, network.external)
    assert list(offered(r.CloudSubnetPool)) == ["floating-a", "floating-b"], "tenants' flat addresses are no pool"


def test_who_is_on_a_flat_network_gets_an_address() -> None:
    served = offered(r.CloudDhcp)
    assert list(served) == ["flat-a", "flat-b"]
    for each in served.values():
        assert isinstance(each, r.CloudDhcp)
        assert (each.hosts, each.awaits) == (("network",), ("neutron-dhcp-agent@network ready",))
    mine = [each for each in designs.designed().specs["control"].resources if each.component == "offerings"]
    assert mine[-2:] == list(served.values()), "a network node that is away leaves nothing else undone"


def test_images_and_flavors_of_the_site() -> None:
    image = offered(r.CloudImage, True)["debian"]
    assert isinstance(image, r.CloudImage)
    assert (image.digest[:8], image.disk_format, image.min_disk) == ("9f86d081", "qcow2", 3)
    assert image.properties == (("hw_disk_bus", "scsi"),)
    assert list(offered(r.CloudFlavor, True)) == ["one"]
    guest = offered(r.CloudImage)["wallcloud-guest"]
    assert isinstance(guest, r.CloudImage)
    assert (guest.kernel, guest.ramdisk) == ("wallcloud-guest-kernel", "wallcloud-guest-ramdisk")
    assert list(offered(r.CloudImage))[-1] == "wallcloud-guest", "after those that it names"
