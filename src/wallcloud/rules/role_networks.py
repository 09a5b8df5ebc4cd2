"""Every role stands on the networks that it needs."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import lacks
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Kind, Role, Site

NEEDS: dict[Role, tuple[Kind, ...]] = {
    Role.CONTROL: (Kind.MANAGEMENT,),
    Role.API: (Kind.MANAGEMENT, Kind.PUBLIC),
    # Routers and DHCP servers are scheduled to any network node, so each reaches every offering.
    Role.NETWORK: (Kind.MANAGEMENT, Kind.OVERLAY, Kind.FLOATING, Kind.FLAT),
    Role.COMPUTE: (Kind.MANAGEMENT, Kind.OVERLAY),
}


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, node in site.nodes.items():
        needs = {kind: role for role in node.roles for kind in NEEDS[role]}
        for kind, role in needs.items():
            networks = site.networks_of(kind)
            # A missing network is told once, by kinds-counted; public is needed by the api role only.
            if not networks and kind is Kind.PUBLIC:
                text = f'{role} node "{name}" needs a public network, and the site has none'
                mend = "add one to networks: public: {kind: public, cidr: 198.18.30.0/24, gateway: 198.18.30.1}"
                yield Violation(("nodes", name, "roles"), text, mend)
            # Of several management networks only one stays, and kinds-counted says so.
            wanted = networks if kind in (Kind.FLOATING, Kind.FLAT) else networks[:1]
            for network in wanted:
                # One that is plugged in under a misspelt name is told by interface-known.
                if lacks(site, node, network):
                    text = f'{role} node "{name}" has no interface on the {kind} network "{network}"'
                    mend = f"add to its interfaces: {network}: NAME-OF-INTERFACE"
                    yield Violation(("nodes", name, "interfaces"), text, mend)


RULE = Rule(
    id="role-networks",
    forbids="a node that lacks an interface on a network that its role works on",
    why="its components could not reach the others, or tenants' packets would stop there",
    mend="add the interface",
    check=_check,
)
