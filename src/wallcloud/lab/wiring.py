"""What a lab is made of, as pure data: wires, the NICs of machines, and the outside world around them.

```
                 admin ──(admin)── router ──(office)── office            each a namespace
                                    │ │ │
        one leg per network that has a gateway; never on the overlay
                                    │ │ │
   ────── one wire (a bridge in the namespace `wires`) per network of the site ──────
              │ │            │ │ │          │ │
            control           api         network …                        each a namespace with a machine in it
```
Router and workstations are hostile. The router forwards everything, filters nothing, believes every source address and
holds, besides its connected routes:

- in its main table, for each network that it has no leg on (the overlay), one route through every node that it can see,
  with metrics from 100 on in the order of `ways`;
- for each *way* (a node at one of its addresses on a wire where the router has a leg) a table, chosen by the firewall
  mark of the same number (`ping -m MARK`, SO_MARK), with routes to every other prefix of the site through that node.

The workstations send everything to the router. So a wall, and never a missing route, is what stops a packet.
"""

import hashlib
import zlib
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

ROUTER, OFFICE, ADMIN, WIRES = "router", "office", "admin", "wires"
_IFNAMSIZ = 15


def short(name: str) -> str:
    """`name` as the name of a device: at most 15 bytes; a longer one ends in 4 digits of its hash."""
    if len(name) <= _IFNAMSIZ:
        return name
    return f"{name[:10]}-{hashlib.sha256(name.encode()).hexdigest()[:4]}"


def mac(*parts: str) -> str:
    """A locally administered unicast address that `parts` determine, so that a machine keeps its NICs' ones."""
    digits = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return ":".join(("02", *(digits[at : at + 2] for at in range(0, 10, 2))))


@frozen
class Wire:
    """A bridge without address in the namespace `wires`: `device` is its name there, `mtu` in bytes of IP packet."""

    name: str
    device: str
    mtu: int


@frozen
class Nic:
    """A machine's network card: a veth whose lab end is `port` in `wires`.

    `untagged` is the wire that its plain frames reach, `tagged` those of each VLAN: (id, device, wire), `device` being
    the VLAN's sub-interface of `port`, so that wires carry no tags. `mtu` is that of the lab end.
    """

    name: str
    port: str
    mac: str
    mtu: int
    untagged: Wire | None
    tagged: tuple[tuple[int, str, Wire], ...]


@frozen
class Machine:
    """A node of the site. `device` has `address` and the `routes` (prefix, gateway) to the admins, and nothing else."""

    name: str
    namespace: str
    nics: tuple[Nic, ...]
    device: str
    vlan: int | None
    parent: str
    mtu: int
    address: IPv4Interface
    routes: tuple[tuple[IPv4Network, IPv4Address], ...]

    @property
    def digest(self) -> str:
        """Of everything above: a namespace that was wired so bears it."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


@frozen
class Leg:
    """A place's interface on a wire, with its addresses."""

    device: str
    port: str
    wire: Wire
    addresses: tuple[IPv4Interface | IPv6Interface, ...]


@frozen
class Way:
    """Into the site through `node`, at its address `via` on the wire of `network`, by the firewall mark `mark`."""

    mark: int
    node: str
    network: str
    via: IPv4Address
    device: str
    prefixes: tuple[IPv4Network, ...]


@frozen
class Place:
    """The router or a workstation. `gateway` is its default route's, `extra` addresses are on its loopback device.

    `names` is its /etc/hosts: (address, names).
    """

    name: str
    namespace: str
    legs: tuple[Leg, ...]
    gateway: IPv4Address | None
    extra: tuple[IPv4Address, ...]
    ways: tuple[Way, ...]
    fallbacks: tuple[tuple[IPv4Network, IPv4Address, int], ...]
    names: tuple[tuple[IPv4Address, tuple[str, ...]], ...]

    @property
    def digest(self) -> str:
        """Of everything above: a namespace that was wired so bears it."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    @property
    def hosts(self) -> str:
        """The text of its /etc/hosts."""
        lines = [f"{address} {' '.join(names)}" for address, names in self.names]
        return "\n".join(("127.0.0.1 localhost", "::1 localhost", *lines, ""))


@frozen
class Wiring:
    """A whole lab. `prefixes` are all that is inside: a packet of the host for one of them would be a leak."""

    site: str
    wires: tuple[Wire, ...]
    machines: tuple[Machine, ...]
    places: tuple[Place, ...]
    prefixes: tuple[IPv4Network | IPv6Network, ...]
    time_servers: tuple[IPv4Address, ...]
    time_clients: IPv4Network

    @property
    def metric(self) -> int:
        """The metric of this lab's routes on the host, by which it knows them again."""
        return metric_of(self.site)

    def place(self, name: str) -> Place:
        """The place of that name."""
        return next(place for place in self.places if place.name == name)

    def machine(self, name: str) -> Machine:
        """The machine of that name, or WallcloudError."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise WallcloudError(f"the site has no node {name}", hint=f"it has {', '.join(m.name for m in self.machines)}")


def metric_of(site: str) -> int:
    """A route metric that no one else uses: 0x5743 ("WC") and 16 bits of the site's name."""
    return 0x57430000 + (zlib.crc32(site.encode()) & 0xFFFF)


def namespace(site: str, what: str) -> str:
    """The name of a lab's network namespace."""
    return f"wc-{site}-{what}"
