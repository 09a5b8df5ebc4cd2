"""What offerings make for a project alone: networks with addresses of their own in the site, and ways out of them."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog.place import Place
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource


def resources(place: Place, access: r.CloudAccess, component: str) -> Iterator[Resource]:
    """Each network with its subnet and router. Routers that the site does not name leave, also where it names none:
    first, since a subnet keeps its gateway as long as a router has it."""
    given = tuple(place.site.project_networks())
    yield r.ExclusiveCloudRouters(
        access=access, component=component, reason="a router that the site does not name leaves"
    )
    if given:
        yield r.CloudOwnLimits(
            access=access, component=component, reason="networks of the site are not counted like tenants' own"
        )
    for project, name, network in given:
        why = f"the network {name} that the site gives to its project {project}"
        yield r.CloudProjectNetwork(access=access, network=name, project=project, component=component, reason=why)
        first = network.cidr.network_address + 1
        resolvers = place.site.dns.resolvers if network.router else ()
        yield r.CloudSubnet(
            access=access,
            subnet=name,
            network=name,
            cidr=str(network.cidr),
            gateway=str(first) if network.router else None,
            first=str(first + 1),
            last=str(network.cidr.broadcast_address - 1),
            dhcp=True,
            dns=tuple(str(each) for each in resolvers),
            component=component,
            reason=why,
        )
        if network.router:
            yield r.CloudRouter(
                access=access,
                router=name,
                networks=(name,),
                gateway=network.router,
                address="" if network.address is None else str(network.address),
                snat=network.snat,
                component=component,
                reason=f"the way from {name} to {network.router}",
            )
