"""The picture: what it says, that no text meets another, that it can be read in both themes."""

import re
from collections.abc import Mapping
from functools import cache
from itertools import combinations, product
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, RELEASE, designed

from wallcloud.design.compile import Design, compile_site
from wallcloud.draw import Theme, svg
from wallcloud.draw.canvas import SPACE, measure
from wallcloud.draw.metrics import width
from wallcloud.draw.theme import DARK, LIGHT
from wallcloud.site import template
from wallcloud.site.load import load_text
from wallcloud.site.model import Kind

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
SVG = "{http://www.w3.org/2000/svg}"
LONG = "a-network-whose-name-is-32-chars"


def _site(text: str) -> Design:
    return compile_site(load_text(text.encode(), Path("site.yaml")), {}, RELEASE)


@cache
def thirty() -> Design:
    """1 control, 1 api, 4 network, 24 computes."""
    text = template.text("article")
    found = re.search(r"(?ms)^  network:\n.*?^  compute1:\n.*?^  compute2:\n.*?\n\n", text)
    assert found
    wires = "management: mgmt0, overlay: ovl0, flat-a: pra0, flat-b: prb0"
    more = {"network": ", floating-a: fla0, floating-b: flb0", "compute": ""}
    nodes = "".join(
        f"  {role}{at}:\n    roles: [{role}]\n    interfaces: {{{wires}{more[role]}}}\n"
        for role, count in (("network", 4), ("compute", 24))
        for at in range(1, count + 1)
    )
    return _site(text[: found.start()] + nodes + "\n" + text[found.end() :])


@cache
def long_names() -> Design:
    """Names as long as a site may have, VLANs and IPv6."""
    text = template.text("article")
    text = re.sub(r"\bflat-a\b", LONG, text).replace("compute1:", "w" * 32 + ":")
    assert LONG in text and "w" * 32 in text
    six = "gateway: 198.18.30.1, vlan: 1234, cidr6: 'fd00:1234:5678:9abc::/64', gateway6: 'fd00:1234:5678:9abc::1'}"
    return _site(text.replace("gateway: 198.18.30.1}", six))


SITES: dict[str, Design] = {str(name): designed(name) for name in EXAMPLES}
SITES |= {"thirty": thirty(), "long": long_names()}
PICTURES = list(product(SITES, (False, True)))


@cache
def drawn(name: str, flows: bool = False, theme: Theme = Theme.LIGHT) -> ElementTree.Element:
    return ElementTree.fromstring(svg(SITES[name], theme=theme, flows=flows))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]


Area = tuple[float, float, float, float, str]


def areas(root: ElementTree.Element) -> list[Area]:
    """Left, top, right, bottom of every text, in the widest font."""
    found = []
    for each in root.iter(f"{SVG}text"):
        size, x, y = (float(each.attrib[name]) for name in ("font-size", "x", "y"))
        wide = measure(each.text or "", size, each.get("class", ""))
        for more in each.iter(f"{SVG}tspan"):
            wide += SPACE + width(more.text or "", float(more.attrib["font-size"]))
        found.append((x, y - 0.78 * size, x + wide, y + 0.22 * size, "".join(each.itertext())))
    return found


def meeting(found: list[Area]) -> list[tuple[str, str]]:
    return [
        (a[4], b[4]) for a, b in combinations(found, 2) if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


@pytest.mark.parametrize(("name", "flows"), PICTURES)
def test_no_text_meets_another_or_is_cut(name: str, flows: bool) -> None:
    root = drawn(name, flows)
    found = areas(root)
    assert meeting(found) == []
    wide, high = float(root.attrib["width"]), float(root.attrib["height"])
    assert [a for a in found if a[0] < 0 or a[1] < 0 or a[2] > wide or a[3] > high] == []


@pytest.mark.parametrize("name", SITES)
def test_no_leg_crosses_what_is_written_at_another(name: str) -> None:
    root = drawn(name)
    legs = []
    for line in root.iter(f"{SVG}polyline"):
        (x1, y1), *_, (x2, y2) = (tuple(map(float, at.split(","))) for at in line.attrib["points"].split())
        if x1 == x2 and "edge-" in line.attrib["class"]:
            legs.append((x1, y1, x2, y2, "leg"))
    assert len(legs) > 3
    crossed = [t[4] for t in areas(root) for leg in legs if t[0] < leg[0] < t[2] and leg[1] < t[3] and t[1] < leg[3]]
    assert crossed == []


def test_the_measure_can_fail() -> None:
    assert meeting([(0, 0, 10, 10, "a"), (9, 9, 20, 20, "b")]) == [("a", "b")]


@pytest.mark.parametrize(("name", "flows"), PICTURES)
def test_everything_is_there(name: str, flows: bool) -> None:
    design = SITES[name]
    said = "\n".join(texts(drawn(name, flows)))
    for node in design.site.nodes:
        assert node in said
    for network, it in design.site.networks.items():
        assert network in said and str(it.cidr) in said
    for (node, _), address in design.plan.items():
        assert str(address) in said, node
    for component in design.placed:
        assert component in said


def test_exceptions_are_named() -> None:
    said = "\n".join(texts(drawn("article", True)))
    named = {flow.exemption.name for flow in designed().flows if flow.network and flow.exemption}
    assert len(named) >= 3
    for name in named:
        assert f"“{name}”" in said
    assert "named exception" not in "\n".join(texts(drawn("article")))


def test_every_flow_over_a_network_is_drawn() -> None:
    said = "\n".join(texts(drawn("article", True)))
    for flow in designed().flows:
        if flow.network:
            assert flow.where in said, flow


def test_flows_of_one_node_only() -> None:
    said = svg(designed(), theme=Theme.LIGHT, flows=True, nodes=("api",))
    assert "public-door tcp/443" in said
    assert "rabbitmq tcp/5671" not in said


@pytest.mark.parametrize("theme", Theme)
def test_self_contained_and_accessible(theme: Theme) -> None:
    text = svg(designed(), theme=theme)
    for foreign in ("href", "url(", "<script", "@import", "<image"):
        assert foreign not in text
    assert text.count("http") == 1  # the name space
    root = ElementTree.fromstring(text)
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert ids == root.attrib["aria-labelledby"].split() == ["wcd-title", "wcd-desc"]
    assert root.attrib["role"] == "img"
    assert "var(" not in text or theme is Theme.AUTO


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours: Mapping[str, str]) -> None:
    grounds = ("paper", "box", *map(str, Kind))
    for ink, ground in product(("ink", "muted", "exception"), grounds):
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for kind in Kind:
        assert contrast(colours[f"{kind}-line"], colours[kind]) >= 4.5, kind
        for ground in grounds:  # legs cross every lane
            assert contrast(colours[f"{kind}-line"], colours[ground]) >= 3, (kind, ground)
    for ground in ("paper", "box"):
        assert contrast(colours["edge"], colours[ground]) >= 3, ground
    assert round(contrast("#000000", "#ffffff")) == 21


@pytest.mark.parametrize("name", [*EXAMPLES, "thirty"])
def test_what_it_says(name: str) -> None:
    golden(HERE / "golden" / f"{name}.txt", "\n".join(texts(drawn(name))) + "\n")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_readmes_picture_is_up_to_date(theme: str) -> None:
    golden(DOCS / f"article-{theme}.svg", svg(designed(), theme=Theme(theme)))
