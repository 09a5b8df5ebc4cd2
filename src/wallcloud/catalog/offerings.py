"""What tenants find: networks, sizes, images, limits; made through OpenStack's own APIs at the management door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from wallcloud.build.guest_image import COMMAND_LINE
from wallcloud.catalog import neutron_dhcp_agent, project_networks, tls
from wallcloud.catalog.component import ROOT, Call, Component
from wallcloud.catalog.identity import ADMIN, ADMIN_PASSWORD, ADMIN_PROJECT
from wallcloud.catalog.place import Place
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Drain, Kind, Role, Site

GUEST = "wallcloud-guest"
"""The test guest's image, for everybody."""
OUTSIDE = "wallcloud-outside"
"""The address scope of the floating pools (docs/decisions/0032)."""
_APIS = ("glance", "nova-api", "neutron-api", "placement")
_NAME = "offerings"


def resources(place: Place) -> Iterator[Resource]:
    """Networks, then what needs none of them."""
    access = reach(place)
    yield from _networks(place, access)
    yield r.CloudDefaultRules(
        access=access,
        rules=tuple(_rules()),
        component=_NAME,
        reason="a new group lets everything out, and the project's group its own members in",
    )
    for flavor, size in place.site.flavors.items():
        yield r.CloudFlavor(
            access=access,
            flavor=flavor,
            vcpus=size.vcpus,
            ram=size.memory,
            disk=size.disk,
            component=_NAME,
            reason="a size of VMs that the site names",
        )
    yield r.ExclusiveCloudFlavors(access=access, component=_NAME, reason="a size that the site does not name leaves")
    yield r.CloudQuota(
        access=access,
        limits=nova_quotas(place.site),
        component=_NAME,
        reason="the site's quotas; Neutron's stand in its settings",
    )
    yield from _images(place, access)
    drained = {name: node.drain for name, node in place.site.nodes.items() if node.drain}
    yield r.DrainedComputes(
        access=access,
        computes=place.site.nodes_with(Role.COMPUTE),
        move=tuple(name for name, how in drained.items() if how is Drain.MOVE),
        stop=tuple(name for name, how in drained.items() if how is Drain.STOP),
        component=_NAME,
        reason="a compute that the site drains has no VMs and gets none",
    )
    yield r.ExclusiveComputes(
        access=access,
        computes=place.site.nodes_with(Role.COMPUTE),
        agents=tuple(name for name, node in place.site.nodes.items() if {Role.COMPUTE, Role.NETWORK} & set(node.roles)),
        component=_NAME,
        reason="a host that leaves the site leaves Nova, Neutron and Placement",
    )
    yield from _dhcp(place, access)


def guards(place: Place) -> Iterator[Resource]:
    """Before control cuts off a host that the site no longer names: it has no VMs."""
    yield r.KeptComputes(
        access=reach(place),
        computes=place.site.nodes_with(Role.COMPUTE),
        component=_NAME,
        reason="a compute that holds VMs does not leave",
    )


def nova_quotas(site: Site) -> tuple[tuple[str, int], ...]:
    """The site's quotas as Nova's API names them; memory in MiB."""
    memory = site.quotas.memory_gib
    ram = memory * 1024 if memory > 0 else memory
    return (("cores", site.quotas.cores), ("instances", site.quotas.instances), ("ram", ram))


def reach(place: Place) -> r.CloudAccess:
    """How the control node asks the APIs as the admin, also for other components' resources."""
    identity = r.IdentityAccess(
        url=f"{place.inner('/identity')}/v3",
        ca=tls.CA,
        password=place.rotation.used(ADMIN_PASSWORD),
        admin=ADMIN,
        project=ADMIN_PROJECT,
    )
    return r.CloudAccess(
        identity=identity,
        **{
            api.type: place.inner(api.prefix) + (api.path if api.type == "compute" else "")
            for name in _APIS
            if (api := place.catalog[name].api)
        },
    )


def _networks(place: Place, access: r.CloudAccess) -> Iterator[Resource]:
    """Floating networks: external, from pools of their own, which only the admin takes from. Flat ones: shared."""
    routed = place.site.routed_floating()
    for name, network in place.site.networks.items():
        if network.kind not in (Kind.FLOATING, Kind.FLAT) or network.pool is None:
            continue
        floating = network.kind is Kind.FLOATING
        why = f"the site's {network.kind} network {name}"
        if floating:
            yield r.CloudSubnetPool(
                access=access,
                pool=name,
                prefixes=(str(network.cidr),),
                prefix_length=network.cidr.prefixlen,
                scope="" if name in routed else OUTSIDE,
                component=_NAME,
                reason=why,
            )
        yield r.CloudNetwork(
            access=access,
            network=name,
            physical_network=name,
            external=floating,
            shared=not floating,
            mtu=network.mtu,
            component=_NAME,
            reason=why,
        )
        yield r.CloudSubnet(
            access=access,
            subnet=name,
            network=name,
            cidr=str(network.cidr),
            gateway=None if network.gateway is None else str(network.gateway),
            first=str(network.pool.first),
            last=str(network.pool.last),
            dhcp=not floating,
            pool=name if floating else "",
            component=_NAME,
            reason=why,
        )
    yield from project_networks.resources(place, access, _NAME)
    yield r.ExclusiveCloudNetworks(
        access=access, component=_NAME, reason="a network that the site does not name leaves, unless it is in use"
    )


def _dhcp(place: Place, access: r.CloudAccess) -> Iterator[Resource]:
    """Last: without a network node nothing else is missing."""
    hosts = place.placed[neutron_dhcp_agent.NAME]
    flat = [name for name, network in place.site.networks.items() if network.kind is Kind.FLAT and network.pool]
    for name in (*flat, *(name for _, name, _ in place.site.project_networks())):
        yield r.CloudDhcp(
            access=access,
            network=name,
            hosts=hosts,
            awaits=place.awaits,
            component=_NAME,
            reason="who is on it gets an address, from its first VM on",
        )


def _rules() -> Iterator[r.DefaultRule]:
    kinds: tuple[Literal["IPv4", "IPv6"], ...] = ("IPv4", "IPv6")
    for ethertype in kinds:
        yield r.DefaultRule(direction="egress", ethertype=ethertype)
        yield r.DefaultRule(direction="ingress", ethertype=ethertype, remote="group", others=False)


def _images(place: Place, access: r.CloudAccess) -> Iterator[Resource]:
    release = place.release
    kernel, ramdisk = f"{GUEST}-kernel", f"{GUEST}-ramdisk"
    for name, digest, form in ((kernel, release.guest_kernel, "aki"), (ramdisk, release.guest_ramdisk, "ari")):
        yield r.CloudImage(
            access=access,
            image=name,
            digest=digest,
            disk_format=form,
            container_format=form,
            visibility="community",
            component=_NAME,
            reason="a part of the test guest",
        )
    yield r.CloudImage(
        access=access,
        image=GUEST,
        digest=release.guest_disk,
        min_disk=1,
        min_ram=128,
        properties=(("os_command_line", COMMAND_LINE),),
        kernel=kernel,
        ramdisk=ramdisk,
        component=_NAME,
        reason="the test guest",
    )
    for name, image in place.site.images.items():
        yield r.CloudImage(
            access=access,
            image=name,
            digest=image.sha256,
            disk_format=image.format,
            min_disk=image.disk,
            min_ram=image.memory,
            properties=tuple(sorted(image.properties.items())),
            component=_NAME,
            reason="an image that the site names",
        )
    yield r.ExclusiveCloudImages(access=access, component=_NAME, reason="an image that the site does not name leaves")


COMPONENT = Component(
    name=_NAME,
    title="what tenants find",
    roles=(Role.CONTROL,),
    account=ROOT,
    calls=(Call("management-door", "https", "Wallcloud makes networks, sizes and images", same_node=True),),
    follows=(neutron_dhcp_agent.NAME,),
    after=("identity", *_APIS),
    guards=guards,
    resources=resources,
)
