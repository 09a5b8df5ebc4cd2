"""What the part makes of a site: two tenants, their guests and addresses. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network

from wallcloud.design.compile import Design
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind, Role, Site

PREFIX = "verify-"
"""Names of projects, users and everything in them: what begins with it is verify's."""
PRIVATE = tuple(IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
"""Both tenants' private addresses (RFC 5737): the first that the site does not use."""
VXLAN_BYTES = 50
GUEST_MIB = 128
_ETHERNET_MTU = 1500


@frozen
class Guest:
    """One VM. `address` is fixed on the private network; on a flat one Neutron chooses."""

    name: str
    tenant: str
    address: str = ""
    flat: str = ""
    """The flat network that it is attached to, else it is on the tenant's own."""
    floating: bool = False


@frozen
class Tenant:
    """A project with one member, both of this name."""

    name: str
    external: str
    """The floating network of its router; "" where the site has none: then it has no private network either."""
    guests: tuple[Guest, ...]

    @property
    def private(self) -> tuple[Guest, ...]:
        return tuple(guest for guest in self.guests if not guest.flat)


@frozen
class Scenario:
    """Everything that follows from the design alone."""

    tenants: tuple[Tenant, Tenant]
    private: IPv4Network
    spread: bool
    """Whether guests of a tenant are to be on two computes."""
    place: str
    """Where tenants are: the office, or the admin workstation where the site has no public door."""
    private_mtu: int
    nodes: tuple[str, ...]
    watched: tuple[str, ...]
    """Nodes whose wires are listened to: those that carry tenants' frames."""
    flavor: str
    """The site's smallest size that the guest fits in."""
    gateways: dict[str, str]
    """The physical router on each flat network."""
    wire_mtus: dict[str, int]
    """Of each floating and flat network."""
    scoped: frozenset[str]
    """Floating networks from which no route leads to private addresses (docs/decisions/0032)."""

    def outer_mtu(self, guest: Guest) -> int:
        """Bytes of the largest packet that comes from a workstation to a guest whole; workstations have 1500."""
        if guest.flat:
            return min(_ETHERNET_MTU, self.wire_mtus[guest.flat])
        return min(_ETHERNET_MTU, self.private_mtu, self.wire_mtus[self.tenant(guest.tenant).external])

    @property
    def guests(self) -> tuple[Guest, ...]:
        return tuple(guest for tenant in self.tenants for guest in tenant.guests)

    def tenant(self, name: str) -> Tenant:
        """The tenant of that name."""
        return next(tenant for tenant in self.tenants if tenant.name == name)


def scenario(design: Design) -> Scenario:
    """Raises WallcloudError where the site leaves no private prefix."""
    site = design.site
    floating, flat = site.networks_of(Kind.FLOATING), site.networks_of(Kind.FLAT)
    computes = site.nodes_with(Role.COMPUTE)
    taken = [network.cidr for network in site.networks.values()]
    taken += [network.cidr for _, _, network in site.project_networks()]
    private = next((prefix for prefix in PRIVATE if not any(prefix.overlaps(other) for other in taken)), None)
    if private is None:
        raise WallcloudError("the site uses every prefix that verify could give its tenants")
    names = (f"{PREFIX}a", f"{PREFIX}b")
    tenants = []
    for number, name in enumerate(names):
        # Guests of both have the same address, beside it each has one that the other has not.
        hosts = (11, 12 + number) if floating else ()
        guests = [
            Guest(f"{name}{at + 1}", name, address=str(private[host]), floating=at == 0)
            for at, host in enumerate(hosts)
        ]
        guests += [
            Guest(f"{name}-{network}", name, flat=network)
            for at, network in enumerate(flat)
            if at % len(names) == number
        ]
        external = floating[number % len(floating)] if floating else ""
        tenants.append(Tenant(name, external, tuple(guests)))
    overlay = site.networks_of(Kind.OVERLAY)
    mtu = min((site.networks[name].mtu for name in overlay), default=1500) - VXLAN_BYTES
    carriers = (*site.nodes_with(Role.NETWORK), *computes)
    return Scenario(
        tenants=(tenants[0], tenants[1]),
        private=private,
        spread=len(computes) > 1,
        place="office" if site.nodes_with(Role.API) else "admin",
        private_mtu=mtu,
        nodes=tuple(site.nodes),
        watched=tuple(dict.fromkeys(carriers)),
        flavor=_smallest(site),
        gateways={name: str(gateway) for name in flat if (gateway := site.networks[name].gateway)},
        wire_mtus={name: site.networks[name].mtu for name in (*floating, *flat)},
        scoped=frozenset(floating) - site.routed_floating(),
    )


def _smallest(site: Site) -> str:
    fitting = {name: size for name, size in site.flavors.items() if size.memory >= GUEST_MIB and size.disk >= 1}
    if not fitting:
        raise WallcloudError(
            "the site has no flavor for verify's guests", hint=f"flavors: {{tiny: {{memory: {GUEST_MIB}, disk: 1}}}}"
        )
    return min(fitting, key=lambda name: (fitting[name].memory, fitting[name].vcpus, fitting[name].disk))
