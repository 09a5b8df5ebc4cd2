"""Several networks tagged on one card: the card is made once, takes the largest packets, and comes before them."""

import pytest
from tests.design.world import RELEASE, example

from wallcloud.design.compile import compile_site
from wallcloud.node.resources import File, Interface
from wallcloud.node.spec import Spec

TAGGED = (
    ("overlay,    cidr: 198.18.20.0/24", "overlay,    cidr: 198.18.20.0/24, vlan: 20"),
    ("overlay: ovl0", "overlay: pra0"),
)
FLAT_TAGGED = ("198.18.51.0/24,", "198.18.51.0/24, vlan: 51,")
JUMBO = ("198.18.51.0/24,", "198.18.51.0/24, mtu: 9000,")


def compute(*changes: tuple[str, str]) -> Spec:
    return compile_site(example("article", *changes), {}, RELEASE).specs["compute1"]


def cards(spec: Spec) -> list[tuple[str, int]]:
    found = [(each.interface, each.mtu) for each in spec.resources if isinstance(each, Interface)]
    return [(name, mtu) for name, mtu in found if name.startswith("pra0")]


def at_boot(spec: Spec) -> list[str]:
    (batch,) = (it for it in spec.resources if isinstance(it, File) and it.path.endswith("network.batch"))
    return [line for line in str(batch.content).splitlines() if "pra0" in line]


def test_all_tagged() -> None:
    spec = compute(*TAGGED, FLAT_TAGGED)
    assert cards(spec) == [("pra0", 1550), ("pra0.20", 1550), ("pra0.51", 1500)]
    assert at_boot(spec) == [
        "link set pra0 mtu 1550",
        "link set pra0 up",
        "link add link pra0 name pra0.20 type vlan id 20",
        "link set pra0.20 mtu 1550",
        "link set pra0.20 up",
        "link add link pra0 name pra0.51 type vlan id 51",
        "link set pra0.51 mtu 1500",
        "link set pra0.51 up",
    ]


def test_one_untagged_brings_the_card() -> None:
    spec = compute(*TAGGED, JUMBO)
    # In the site the overlay stands first.
    assert cards(spec) == [("pra0", 9000), ("pra0.20", 1550)]
    assert at_boot(spec)[:3] == [
        "link set pra0 mtu 9000",
        "link set pra0 up",
        "link add link pra0 name pra0.20 type vlan id 20",
    ]


@pytest.mark.parametrize("changes", [(), TAGGED[:1], (FLAT_TAGGED,)])
def test_no_interface_is_made_twice(changes: tuple[tuple[str, str], ...]) -> None:
    names = [each.interface for each in compute(*changes).resources if isinstance(each, Interface)]
    assert len(names) == len(set(names))
