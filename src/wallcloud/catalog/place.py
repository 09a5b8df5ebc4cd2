"""A component's view of the node that it is placed on: what `Component.resources` gets to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from wallcloud.catalog.rotation import Rotation
from wallcloud.frozen import frozen
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Network, Role, Site

if TYPE_CHECKING:
    from wallcloud.catalog.component import Component
    from wallcloud.catalog.facts import NodeFacts
    from wallcloud.catalog.seed import Seed


@frozen
class Release:
    """What `build` made for a release: digests of the Python environment, of the package index, of the guest image."""

    name: str
    environment: str
    packages: str
    guest_kernel: str = "0" * 64
    guest_ramdisk: str = "0" * 64
    guest_disk: str = "0" * 64

    @property
    def environment_path(self) -> str:
        """Where the environment stands on a node; a new digest restarts what runs from it."""
        return f"/opt/wallcloud/env/{self.environment[:16]}"


@frozen
class Place:
    """One component on one node."""

    component: Component
    node: str
    site: Site
    plan: AddressPlan
    facts: NodeFacts
    release: Release
    limits: Mapping[str, int]
    """Derived numbers by `component.name`, e.g. `keystone.processes`."""
    awaits: tuple[str, ...]
    """Milestones that this component's units wait for."""
    placed: Mapping[str, tuple[str, ...]]
    """The nodes of every placed component."""
    catalog: Mapping[str, Component]
    hosts: str
    """The text of /etc/hosts."""
    seed: Seed | None = None
    """What a restore puts in place."""
    rotation: Rotation = Rotation()
    """Which values of its secrets the site uses now."""

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.site.nodes[self.node].roles

    @property
    def environment(self) -> str:
        return self.release.environment_path

    @property
    def milestone(self) -> str:
        """The readable fact that this component publishes when it answers on this node."""
        return milestone(self.component.name, self.node)

    def limit(self, name: str) -> int:
        """A derived number of this component."""
        return self.limits[f"{self.component.name}.{name}"]

    def network(self, kind: Kind) -> tuple[str, Network]:
        """The one network of a kind that may stand only once (management, public, overlay). Raises KeyError."""
        for name, network in self.site.networks.items():
            if network.kind is kind:
                return name, network
        raise KeyError(kind)

    def address(self, kind: Kind, node: str | None = None) -> IPv4Address:
        """The address of a node on the network of that kind. Raises KeyError where it has none."""
        address = self.plan.address(node or self.node, self.network(kind)[0])
        if address is None:
            raise KeyError(f"{node or self.node} has no address on {kind}")
        return address

    @property
    def management(self) -> IPv4Address:
        """This node's address on management."""
        return self.address(Kind.MANAGEMENT)

    def control(self) -> str:
        """The control node's name."""
        return next(name for name, node in self.site.nodes.items() if Role.CONTROL in node.roles)

    def internal_name(self, node: str | None = None) -> str:
        """A node's name on management. It resolves nowhere else."""
        return internal_name(self.site, node or self.node)

    def inner(self, prefix: str = "") -> str:
        """The management door's URL, with the prefix of an API."""
        return f"https://{self.internal_name(self.control())}{prefix}"

    def outer(self, prefix: str = "") -> str:
        """The URL that tenants know: the public door's, or the management door's where the site has no other."""
        return f"https://{self.site.domain}{prefix}" if self.site.nodes_with(Role.API) else self.inner(prefix)

    @property
    def actor(self) -> str:
        """How this component on this node is called in its client certificate, and by the servers that read it."""
        return actor(self.component.name, self.node)

    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """What the operator set for this component by the escape hatch: group → option → value."""
        return self.site.options.get(self.component.name, {})


def hosts(site: Site, plan: AddressPlan) -> Callable[[str], str]:
    """Node → /etc/hosts: itself, and the nodes whose servers all call; so that a new node changes no other.

    Tenants' names resolve elsewhere.
    """
    management = site.networks_of(Kind.MANAGEMENT)[0]
    servers = tuple(dict.fromkeys((*site.nodes_with(Role.CONTROL), *site.nodes_with(Role.API))))

    def of(node: str) -> str:
        lines = [
            f"{plan.address(name, management)} {internal_name(site, name)} {name}"
            for name in dict.fromkeys((*servers, node))
        ]
        return "\n".join(["127.0.0.1 localhost", *lines, ""])

    return of


def milestone(component: str, node: str) -> str:
    """The name of the fact that `component` answers on `node`."""
    return f"{component}@{node} ready"


def actor(component: str, node: str) -> str:
    """The common name of a component's client certificate on a node."""
    return f"{component}@{node}"


def internal_name(site: Site, node: str) -> str:
    """A node's name on management."""
    return f"{node}.internal.{site.domain}"
