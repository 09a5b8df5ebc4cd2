"""The site's plain names and addresses, as holes use them: `$control`, `$compute_management`, `$network_flat_nic`.

- `control`, `api`, `network`, `compute`, `compute2`: the first node (the second compute) of the role;
- `management`, `public`, `overlay`, `floating`, `floating2`, `flat`, `flat2`: the first (second) network of the kind,
  with `…_cidr` and, where it has them, `…_gateway`;
- `NODE_NETWORK`: the node's address there; `NODE_NETWORK_nic`: its interface, the VLAN's where it has one;
- `admins`: the first admin prefix; `domain`: the cloud's public name.

Where a site has none of a thing, its words are missing, and holes that use them are not for that site.
"""

from __future__ import annotations

from wallcloud.site.addresses import plan
from wallcloud.site.model import Kind, Role, Site


def words(site: Site) -> dict[str, str]:
    """Word → text; every text is a name, an address or a prefix."""
    nodes = _numbered({role.value: list(site.nodes_with(role)) for role in Role})
    networks = _numbered({kind.value: list(site.networks_of(kind)) for kind in Kind})
    addresses = plan(site)
    found = {**nodes, **networks, "domain": site.domain, "admins": str(site.admin_prefixes[0])}
    for word, name in networks.items():
        network = site.networks[name]
        found[f"{word}_cidr"] = str(network.cidr)
        if network.gateway is not None:
            found[f"{word}_gateway"] = str(network.gateway)
        for place, node in nodes.items():
            card = site.nodes[node].interfaces.get(name)
            address = addresses.address(node, name)
            if card is not None:
                found[f"{place}_{word}_nic"] = network.device(card)
            if address is not None:
                found[f"{place}_{word}"] = str(address)
    return found


def _numbered(named: dict[str, list[str]]) -> dict[str, str]:
    return {
        f"{word}{number if number > 1 else ''}": name
        for word, names in named.items()
        for number, name in enumerate(names[:2], 1)
    }
