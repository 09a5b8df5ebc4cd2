"""Only computes are drained, and not all of them to each other."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.rules._walk import roles
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Drain, Role, Site


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    computes = site.nodes_with(Role.COMPUTE)
    staying = any(not site.nodes[name].drain for name in computes)
    for name, node in site.nodes.items():
        if node.drain and Role.COMPUTE not in node.roles:
            yield Violation(("nodes", name, "drain"), f'{roles(node)} node "{name}" has no VMs to drain')
        elif node.drain is Drain.MOVE and not staying:
            yield Violation(("nodes", name, "drain"), f'no compute is left where the VMs of "{name}" could run')


RULE = Rule(
    id="drain-computes",
    forbids="draining what is no compute, or moving VMs where no compute stays",
    why="VMs run on computes, and those of a drained one need another",
    mend="take `drain` away, or leave another compute for the VMs; `drain: stop` puts them aside in the image store",
    check=_check,
)
