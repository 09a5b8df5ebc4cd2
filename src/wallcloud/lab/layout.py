"""From a site to its lab's wiring. Pure: the same site always gives the same lab."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from wallcloud.errors import WallcloudError
from wallcloud.lab.wiring import (
    ADMIN,
    OFFICE,
    ROUTER,
    Leg,
    Machine,
    Nic,
    Place,
    Way,
    Wire,
    Wiring,
    mac,
    namespace,
    short,
)
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Network, Role, Site

OFFICES = tuple(IPv4Network(text) for text in ("198.18.2.0/24", "198.18.3.0/24", "198.19.2.0/24", "198.19.254.0/24"))
"""Where the office is (RFC 2544): the first that no prefix of the site overlaps."""

WORKSTATION_HOST = 10
FIRST_WAY = 1000
FIRST_METRIC = 100


def wiring(site: Site, plan: AddressPlan) -> Wiring:
    """The lab of a site. Pure. Raises WallcloudError where a lab cannot follow the site."""
    management = site.networks_of(Kind.MANAGEMENT)[0]
    office_prefix = _office(site)
    admin_prefix = site.admin_prefixes[0]
    wires = {name: Wire(name, short(name), network.mtu) for name, network in site.networks.items()}
    office = Wire(OFFICE, _free_name(OFFICE, wires), 1500)
    admin = Wire(ADMIN, _free_name(ADMIN, wires), 1500)
    machines = tuple(_machine(site, plan, node, wires, management) for node in site.nodes)
    outside = tuple(
        dict.fromkeys(
            address
            for address in (*site.time.servers, *site.dns.resolvers)
            if address not in {network.gateway for network in site.networks.values()}
            and address not in {taken for _, taken in plan.items()}
        )
    )
    router = _router(site, plan, wires, (office, office_prefix), (admin, admin_prefix), outside)
    prefixes: dict[IPv4Network | IPv6Network, None] = {network.cidr: None for network in site.networks.values()}
    prefixes |= {network.cidr6: None for network in site.networks.values() if network.cidr6}
    prefixes |= {network.cidr: None for _, _, network in site.project_networks()}
    prefixes |= {admin_prefix: None, office_prefix: None}
    prefixes |= {IPv4Network(address): None for address in outside if not any(address in each for each in prefixes)}
    return Wiring(
        site=site.name,
        wires=(*wires.values(), office, admin),
        machines=machines,
        places=(
            router,
            _workstation(site, plan, OFFICE, office, office_prefix),
            _workstation(site, plan, ADMIN, admin, admin_prefix),
        ),
        prefixes=tuple(prefixes),
        time_servers=site.time.servers,
        time_clients=site.networks[management].cidr,
    )


def host(prefix: IPv4Network, number: int) -> IPv4Interface:
    """The `number`th address of a prefix, with its length."""
    return IPv4Interface((int(prefix.network_address) + number, prefix.prefixlen))


def _office(site: Site) -> IPv4Network:
    taken = [network.cidr for network in site.networks.values()] + list(site.admin_prefixes)
    taken += [network.cidr for _, _, network in site.project_networks()]
    for prefix in OFFICES:
        if not any(prefix.overlaps(other) for other in taken):
            return prefix
    raise WallcloudError(
        "the lab finds no prefix for the office: the site uses all of them",
        hint=f"leave one of these to the lab: {', '.join(map(str, OFFICES))}",
    )


def _free_name(name: str, wires: dict[str, Wire]) -> str:
    """A device name for a wire that is not the site's."""
    return name if name not in wires else short(f"lab-{name}-wire")


def _machine(site: Site, plan: AddressPlan, name: str, wires: dict[str, Wire], management: str) -> Machine:
    node = site.nodes[name]
    address = plan.interface(name, management)
    if address is None:
        raise WallcloudError(f"node {name} has no address on {management}", hint="wallcloud check says why")
    plugged: dict[str, list[str]] = {}
    for network, interface in node.interfaces.items():
        plugged.setdefault(interface, []).append(network)
    ours = site.networks[management]
    parent = node.interfaces[management]
    return Machine(
        name=name,
        namespace=namespace(site.name, f"node-{name}"),
        nics=tuple(_nic(site, name, nic, networks, wires) for nic, networks in plugged.items()),
        device=ours.device(parent),
        vlan=ours.vlan,
        parent=parent,
        mtu=ours.mtu,
        address=address,
        routes=tuple(
            (prefix, ours.gateway)
            for prefix in site.admin_prefixes
            if ours.gateway is not None and not prefix.overlaps(ours.cidr)
        ),
    )


def _nic(site: Site, node: str, nic: str, networks: list[str], wires: dict[str, Wire]) -> Nic:
    plain = [network for network in networks if site.networks[network].vlan is None]
    if len(plain) > 1:
        raise WallcloudError(
            f"{nic} of node {node} carries {' and '.join(plain)}, all untagged",
            hint="give all but one of them a vlan, or an interface of its own",
        )
    port = short(f"{node}.{nic}")
    tags = {network: vlan for network in networks if (vlan := site.networks[network].vlan) is not None}
    return Nic(
        name=nic,
        port=port,
        mac=mac(site.name, node, nic),
        mtu=max(site.networks[network].mtu for network in networks),
        untagged=wires[plain[0]] if plain else None,
        tagged=tuple((vlan, short(f"{port}.{vlan}"), wires[network]) for network, vlan in tags.items()),
    )


def _router(
    site: Site,
    plan: AddressPlan,
    wires: dict[str, Wire],
    office: tuple[Wire, IPv4Network],
    admin: tuple[Wire, IPv4Network],
    outside: tuple[IPv4Address, ...],
) -> Place:
    routed = {name: network for name, network in site.networks.items() if network.gateway is not None}
    legs = [
        Leg(wires[name].device, short(f"{ROUTER}.{name}"), wires[name], _gateways(network))
        for name, network in routed.items()
    ]
    legs += [
        Leg(wire.device, short(f"{ROUTER}.{wire.name}"), wire, (host(prefix, 1),)) for wire, prefix in (office, admin)
    ]
    seen = [
        (node, name, address)
        for name in routed
        for node in site.nodes
        if (address := plan.address(node, name)) is not None
    ]
    ways = tuple(
        Way(
            mark=FIRST_WAY + number,
            node=node,
            network=name,
            via=address,
            device=wires[name].device,
            prefixes=tuple(network.cidr for other, network in site.networks.items() if other != name),
        )
        for number, (node, name, address) in enumerate(seen)
    )
    unseen = [network.cidr for network in site.networks.values() if network.gateway is None]
    fallbacks = tuple((prefix, way.via, FIRST_METRIC + number) for prefix in unseen for number, way in enumerate(ways))
    routed_by_tenants = tuple(
        (network.cidr, network.address, FIRST_METRIC)
        for _, _, network in site.project_networks()
        if network.address is not None and not network.snat
    )
    routes = (*fallbacks, *routed_by_tenants)
    return Place(ROUTER, namespace(site.name, ROUTER), tuple(legs), None, outside, ways, routes, _names(site, plan))


def _gateways(network: Network) -> tuple[IPv4Interface | IPv6Interface, ...]:
    found: list[IPv4Interface | IPv6Interface] = []
    if network.gateway is not None:
        found.append(IPv4Interface((network.gateway, network.cidr.prefixlen)))
    if network.gateway6 is not None and network.cidr6 is not None:
        found.append(IPv6Interface((network.gateway6, network.cidr6.prefixlen)))
    return tuple(found)


def _workstation(site: Site, plan: AddressPlan, name: str, wire: Wire, prefix: IPv4Network) -> Place:
    leg = Leg("eth0", short(f"{name}.eth0"), wire, (host(prefix, WORKSTATION_HOST),))
    names = _names(site, plan, internal=name == ADMIN)
    return Place(name, namespace(site.name, name), (leg,), host(prefix, 1).ip, (), (), (), names)


def _names(site: Site, plan: AddressPlan, internal: bool = True) -> tuple[tuple[IPv4Address, tuple[str, ...]], ...]:
    """The public name is the api node's public address; `<node>.internal.<domain>` are management's, for admins."""
    found: list[tuple[IPv4Address, tuple[str, ...]]] = []
    for public in site.networks_of(Kind.PUBLIC)[:1]:
        for node in site.nodes_with(Role.API)[:1]:
            address = plan.address(node, public)
            if address is not None:
                found.append((address, (site.domain,)))
    management = site.networks_of(Kind.MANAGEMENT)[0]
    for node in site.nodes if internal else ():
        address = plan.address(node, management)
        if address is not None:
            found.append((address, (f"{node}.internal.{site.domain}", node)))
    return tuple(found)
