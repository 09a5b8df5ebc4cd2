"""What the part `wires` sends, from whom to whom, and how it judges what it hears."""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, RELEASE, designed, example

from wallcloud.design.compile import compile_site
from wallcloud.verify.wires import frames, part
from wallcloud.verify.wires.crossing import Crossing, crossed, crossings
from wallcloud.verify.wires.shots import ANSWERED, SILENT, Ends, Shot, shots, stranger

FOLDER = Path(__file__).parent / "golden"
OUTSIDE = ("office", "admin", "router")
ENDS = Ends(bytes.fromhex("020000000001"), bytes.fromhex("020000000002"), bytes(range(1, 13)))
OWN, OTHER = IPv4Address("198.18.10.11"), IPv4Address("198.18.10.12")


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_is_expected(flavour: str) -> None:
    found = shots(designed(flavour), OUTSIDE)
    lines = [f"{each.hostile:<10} {each.id:<66} {each.card:<8} {each.expected}" for each in found]
    golden(FOLDER / f"wires-{flavour}.txt", "\n".join(lines) + "\n")
    assert len({each.id for each in found}) == len(found)
    assert all(each.why for each in found)


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_nobody_is_hostile_to_itself_and_every_wire_with_an_address_has_a_positive(flavour: str) -> None:
    design = designed(flavour)
    found = shots(design, OUTSIDE)
    assert all(each.hostile != each.node for each in found)
    answering = {(each.node, each.wire) for each in found if each.expected == ANSWERED}
    tried = {(each.node, each.wire) for each in found}
    assert answering == {key for key, _ in design.plan.items()} & tried


def test_without_a_router_a_wire_of_one_node_has_no_hostile_machine() -> None:
    wires = {each.wire for each in shots(designed(), ("office", "admin"))}
    assert wires == {"management", "overlay", "flat-a", "flat-b"}


def test_an_address_that_the_design_does_not_know_is_tried_on_every_wire() -> None:
    unknown = IPv4Address("198.18.51.253")
    live = {"compute1": {unknown, IPv4Address("127.0.0.1"), OWN}}
    names = [each.id for each in shots(designed(), OUTSIDE, live) if str(unknown) in each.id]
    assert len(names) == 8
    assert "wires/flat-a/compute1/arp-198.18.51.253-from-stranger" in names


def test_ipv6_is_tried_also_where_the_site_names_an_ipv6_network() -> None:
    """No node has an address of it today: a site that says so must not be proven less."""
    named = compile_site(
        example("article", ("gateway: 198.18.51.1,", "gateway: 198.18.51.1, cidr6: 'fd00::/64',")), {}, RELEASE
    )
    tried = [{each.id for each in shots(design, OUTSIDE) if "/ipv6-" in each.id} for design in (designed(), named)]
    assert tried[0] == tried[1] and tried[0]


def test_a_broadcast_is_heard_on_its_wire_alone() -> None:
    found = {each.id: each for each in crossings(designed(), shots(designed(), OUTSIDE))}
    assert len(found) == 7 * 5  # wires × nodes
    flat = found["wires/flat-a/compute1/elsewhere"]
    assert flat.own == "pra0"
    assert set(flat.others) == {"mgmt0", "ovl0", "prb0"}
    assert crossed(flat, ["pra0", "br-flat-a"], []) == ("on its wire alone", "")
    assert crossed(flat, ["pra0", "prb0"], []) == ("heard on prb0", "of compute1")
    assert crossed(flat, ["pra0"], ["prb0"]) == ("heard on prb0", "of compute1"), "what it passes on, too"
    assert crossed(flat, [], [])[0] == "unheard"
    api = found["wires/flat-a/api/elsewhere"]
    assert crossed(api, [], []) == ("on its wire alone", "")
    assert crossed(api, ["pub0"], []) == ("heard on pub0", "of api")


def test_one_plug_of_two_networks_hears_both() -> None:
    changes = (
        ("flat-a:     {kind: flat,", "flat-a:     {kind: flat, vlan: 7,"),
        ("flat-a: pra0, flat-b: prb0}", "flat-a: prb0, flat-b: prb0}"),
    )
    design = compile_site(example("article", *changes), {}, RELEASE)
    found: dict[str, Crossing] = {each.id: each for each in crossings(design, shots(design, OUTSIDE))}
    assert found["wires/flat-a/compute1/elsewhere"].others == frozenset({"mgmt0", "ovl0"})
    assert "prb0.7" in found["wires/flat-b/compute1/elsewhere"].others


def test_the_stranger_is_nobody() -> None:
    design = designed()
    for network in design.site.networks.values():
        found = stranger(design, network)
        assert found in network.cidr
        assert found != network.gateway
        assert found not in {address for _, address in design.plan.items()}
        assert not (network.pool and network.pool.first <= found <= network.pool.last)


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_every_frame_is_known_again_and_holds_no_answer_to_another(flavour: str) -> None:
    """Where the token makes a frame unlike others, a frame must hold what it is known by, and fit a wire."""
    for each in shots(designed(flavour), OUTSIDE):
        made = each.make(ENDS)
        assert made.came in made.frame
        assert made.frame[6:12] == ENDS.source
        assert 60 <= len(made.frame) <= 1294
        assert made.answers
        assert all(len(b"".join(words)) >= 8 for words in made.answers)


def test_checksums() -> None:
    def total(data: bytes) -> int:
        whole = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
        while whole >> 16:
            whole = (whole & 0xFFFF) + (whole >> 16)
        return whole

    segment = frames.syn(OTHER, OWN, 22, ENDS.token)
    packet = frames.ipv4(OTHER, OWN, 6, segment, frames.loose_source_route(OWN))
    assert total(packet[:28]) == 0xFFFF
    assert total(OTHER.packed + OWN.packed + bytes([0, 6, 0, len(segment)]) + segment) == 0xFFFF
    assert total(frames.echo(ENDS.token)) == 0xFFFF
    six = frames.echo_to_all_nodes(ENDS.source, ENDS.token)[14:]
    length = int.from_bytes(six[4:6], "big")
    assert total(six[8:40] + length.to_bytes(4, "big") + bytes([0, 0, 0, 58]) + six[40 : 40 + length]) == 0xFFFF


def test_the_address_that_a_card_gives_itself() -> None:
    assert frames.link_local(bytes.fromhex("0272d71cd31a")) == IPv6Address("fe80::72:d7ff:fe1c:d31a")


def shot(expected: str) -> Shot:
    return next(each for each in shots(designed(), OUTSIDE) if each.expected == expected)


def test_silence_counts_only_where_the_frame_was_heard() -> None:
    wanted = shot(SILENT)
    assert part.outcome(wanted, [wanted.card], []) == (SILENT, "")
    assert part.outcome(wanted, ["elsewhere"], []) == (
        "unheard",
        f"the frame did not come to {wanted.card} of {wanted.node}",
    )
    assert part.outcome(wanted, [wanted.card], ["pra0"]) == (ANSWERED, f"{wanted.node} sent on pra0")


def test_a_positive_needs_an_answer() -> None:
    wanted = shot(ANSWERED)
    assert part.outcome(wanted, [wanted.card], ["mgmt0"]) == (ANSWERED, "")
    assert part.outcome(wanted, [wanted.card], [])[0] == SILENT


def test_the_row_and_the_column() -> None:
    wanted = next(each for each in shots(designed(), OUTSIDE) if each.id.startswith("wires/flat-a/compute1/"))
    told = part.probe(designed().site.nodes, wanted)
    assert (told.source, told.target) == ("network as a hostile machine", "compute1 on flat-a")
    assert told.negative
    assert told.repeat == f"wallcloud verify --part wires --only {wanted.id}"
