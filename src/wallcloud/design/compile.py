"""compile(site, facts, release) → Design: a pure function, without I/O, clock or randomness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from wallcloud.catalog import components
from wallcloud.catalog.component import Component, Limit
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.place import Place, Release, hosts, milestone
from wallcloud.catalog.rotation import Rotation
from wallcloud.catalog.seed import Seed
from wallcloud.design import limits as derived_limits
from wallcloud.design.flows import Flow, Servers, derive
from wallcloud.design.generated import check_generated
from wallcloud.design.order import before, check_order, in_order
from wallcloud.design.secrets import holes
from wallcloud.design.separation import check_catalog
from wallcloud.design.settings import check_options, with_present_names
from wallcloud.design.spec import node_spec
from wallcloud.frozen import frozen
from wallcloud.node.spec import Spec
from wallcloud.rules import check
from wallcloud.site.addresses import AddressPlan, plan
from wallcloud.site.finding import Finding
from wallcloud.site.load import Loaded, SiteError
from wallcloud.site.model import Site


@frozen
class Design:
    """Everything derived from a site: what runs where, who may talk to whom, and each node's Spec."""

    site: Site
    plan: AddressPlan
    placed: Mapping[str, tuple[str, ...]]
    """The nodes of each component."""
    flows: tuple[Flow, ...]
    limits: tuple[Limit, ...]
    specs: Mapping[str, Spec]
    catalog: Mapping[str, Component]
    places: Mapping[str, tuple[Place, ...]]
    """Node → its components' view of it, in the order of its Spec."""

    def publishers(self) -> dict[str, str]:
        """Milestone → the node that publishes it."""
        return self._publishers

    @cached_property
    def _publishers(self) -> dict[str, str]:
        return {
            name: node
            for node, spec in self.specs.items()
            for resource in spec.resources
            for name in resource.publishes
        }

    def secret_names(self, node: str) -> tuple[str, ...]:
        """The secrets that a node's Spec has holes for: it gets these and no others."""
        return tuple(sorted({hole.name for resource in self.specs[node].resources for hole in holes(resource)}))

    def components_of(self, node: str) -> tuple[str, ...]:
        """The components on a node, in the order of its Spec."""
        return in_order(self.catalog, tuple(name for name, nodes in self.placed.items() if node in nodes))


def place(site: Site, catalog: Mapping[str, Component]) -> dict[str, tuple[str, ...]]:
    """Which nodes each component runs on: those with one of its roles."""
    placed = {
        name: tuple(node for node, it in site.nodes.items() if set(it.roles) & set(component.roles))
        for name, component in catalog.items()
    }
    return {name: nodes for name, nodes in placed.items() if nodes}


def findings(loaded: Loaded) -> tuple[Finding, ...]:
    """Everything that is wrong with a site as a whole: the rules, the operator's options, then the components."""
    catalog = components()
    return (
        *check(loaded.site, loaded.locations),
        *check_options(loaded.site, catalog, loaded.locations),
        *check_catalog(catalog),
    )


def require(loaded: Loaded) -> None:
    """The door in front of everything that touches a node or the state. Raises SiteError with every finding."""
    found = findings(loaded)
    if any(finding.severity == "error" for finding in found):
        raise SiteError(found, loaded.path)


def compile_site(
    loaded: Loaded,
    facts: Mapping[str, NodeFacts],
    release: Release,
    seed: Seed | None = None,
    rotation: Rotation | None = None,
) -> Design:
    """The design of a site; of one that is being restored with its `seed`, of one whose secrets were rotated with that.

    Raises SiteError with every finding where a rule of separation is broken.
    """
    catalog = components()
    require(loaded)
    site = with_present_names(loaded.site, catalog)
    addresses = plan(site)
    placed = place(site, catalog)
    known = {node: facts.get(node) or NodeFacts(assumed=True) for node in site.nodes}
    flows = derive(site, addresses, placed, catalog)
    of_node: dict[str, list[Flow]] = defaultdict(list)
    for flow in flows:
        for node in {flow.client.node, flow.server.node} - {None}:
            of_node[str(node)].append(flow)
    numbers = derived_limits.derive(site, known, placed, catalog)
    specs: dict[str, Spec] = {}
    places_of: dict[str, tuple[Place, ...]] = {}
    base = Place(
        component=next(iter(catalog.values())),
        node="",
        site=site,
        plan=addresses,
        facts=NodeFacts(),
        release=release,
        limits={f"{limit.component}.{limit.name}": limit.value for limit in numbers},
        awaits=(),
        placed=placed,
        catalog=catalog,
        hosts="",
        seed=seed,
        rotation=rotation or Rotation(),
    )
    names_on: dict[str, list[str]] = defaultdict(list)
    for name, nodes in placed.items():
        for node in nodes:
            names_on[node].append(name)
    etc_hosts = hosts(site, addresses)
    servers = Servers(site, placed, catalog)
    for node in site.nodes:
        names_of_node = etc_hosts(node)
        names = in_order(catalog, tuple(names_on[node]))
        places = tuple(
            replace(
                base,
                component=catalog[name],
                node=node,
                facts=known[node],
                hosts=names_of_node,
                awaits=_awaits(catalog[name], node, servers),
            )
            for name in names
        )
        places_of[node] = places
        specs[node] = node_spec(places, of_node[node], before(catalog, names))
    check_order(specs)
    check_generated(specs, site, catalog)
    return Design(site, addresses, placed, flows, numbers, specs, catalog, places_of)


def _awaits(component: Component, node: str, servers: Servers) -> tuple[str, ...]:
    """The milestones on other nodes that a component waits for: of servers that it calls, and of those it names."""
    waited = {
        milestone(str(call.to), server)
        for call in component.calls
        if call.waits
        for server in servers.of(component, call, node)
        if server != node
    }
    followed = {milestone(name, other) for name in component.follows for other in servers.nodes(name) if other != node}
    return tuple(sorted(waited | followed))
