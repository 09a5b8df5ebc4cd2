"""Network and compute nodes stand on physical hosts: a warning, since a node says by itself what it is (a fact)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wallcloud.catalog.facts import NodeFacts
from wallcloud.site.finding import Finding, Where
from wallcloud.site.load import Loaded
from wallcloud.site.model import Role, Site

ID = "physical-hosts"
FORBIDS = "network and compute nodes that are virtual machines or containers, outside the lab"
WHY = "VMs in a VM are slow, its hypervisor's switch drops tenants' MAC addresses, and who owns it reads every tenant"
MEND = "take a physical host for it; a virtual one serves for trying things out"
HARDWARE, LAB = "none", "systemd-nspawn"
"""What systemd-detect-virt(1) says of a physical host, and of the lab's machines."""


def virtual_hosts(site: Site, virtualization: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """(node, what is wrong) by what each node's systemd-detect-virt said; None where it was not asked."""
    for name, node in site.nodes.items():
        where = virtualization.get(name)
        needs = [role for role in node.roles if role in (Role.NETWORK, Role.COMPUTE)]
        if needs and where not in (None, "", HARDWARE, LAB):
            yield name, f"runs in {where}; a {' and '.join(needs)} node stands on a physical host"


def check_hosts(loaded: Loaded, facts: Mapping[str, NodeFacts]) -> tuple[Finding, ...]:
    """Findings for nodes that were asked before."""
    known = {node: None if it.assumed else it.virtualization for node, it in facts.items()}
    found = []
    for node, text in virtual_hosts(loaded.site, known):
        path: Where = ("nodes", node)
        found.append(Finding(ID, "warning", f"{node}: {text}", MEND, path, loaded.locations.at(path), WHY))
    return tuple(found)
