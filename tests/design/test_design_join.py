"""A compute that joins or leaves: who must learn of it, and that nothing else is touched anywhere."""

from tests.design.world import RELEASE, designed, example

from wallcloud.design.compile import Design, compile_site
from wallcloud.node.resource import Resource

_COMPUTE2 = """\
  compute2:
    roles: [compute]
    interfaces: {management: mgmt0, overlay: ovl0, flat-a: pra0, flat-b: prb0}
"""
LEARN = {
    # Who may call control, and as whom; nothing of this restarts or interrupts anything.
    ("ruleset", "inet wallcloud"),
    ("file", "/etc/wallcloud/firewall.nft"),
    ("exclusive-computes", "hosts"),
    ("kept-computes", "computes with VMs"),
    ("drained-computes", "drained computes"),
    ("bus-account", "neutron-ovs-agent@compute3@neutron"),
    ("bus-account", "nova-compute@compute3@nova"),
    ("nova-host", "compute3"),
}


def joined() -> Design:
    """The article's design with a third compute."""
    more = _COMPUTE2 + _COMPUTE2.replace("compute2", "compute3")
    return compile_site(example("article", (_COMPUTE2, more)), {}, RELEASE)


def by_name(design: Design, node: str) -> dict[tuple[str, str], Resource]:
    return {(each.kind, each.name): each for each in design.specs[node].resources}


def test_only_control_learns_of_a_new_compute() -> None:
    before, after = designed(), joined()
    for node in before.specs:
        old, new = by_name(before, node), by_name(after, node)
        different = {key for key in {**old, **new} if old.get(key) != new.get(key)}
        assert different == (LEARN if node == "control" else set()), node


def test_no_number_changes_with_it() -> None:
    assert designed().limits == joined().limits


def test_a_leaving_compute_takes_what_is_its_own_and_nothing_else() -> None:
    gone = {key for key in by_name(joined(), "control") if key not in by_name(designed(), "control")}
    assert gone == {key for key in LEARN if key[0] in {"bus-account", "nova-host"}}
