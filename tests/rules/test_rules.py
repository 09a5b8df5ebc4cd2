"""Every rule against its golden case file: what it says of a site that breaks it, and nothing of one that does not.

`cases/NAME.yaml` lists changes to the article's site; `cases/NAME.txt` is what the rules say of each.
WALLCLOUD_GOLDEN=update writes the .txt files anew: read the difference before you keep it.
"""

import os
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML
from tests.site.checking import FILE, judge

from wallcloud import rules
from wallcloud.rules import Rule
from wallcloud.site import template
from wallcloud.site.finding import SiteError
from wallcloud.site.load import load_text
from wallcloud.site.model import Site

CASES = Path(__file__).parent / "cases"
Data = dict[str, Any]


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def changed(base: Data, case: Data) -> Data:
    """The base with `remove` and then `set` done; keys are dotted paths, `*` in the second place is every name."""
    site = deepcopy(base)
    for path in case.get("remove", []):
        *parents, last = path.split(".")
        for parent in reach(site, parents):
            parent.pop(last, None)
    for path, value in case.get("set", {}).items():
        *parents, last = path.split(".")
        for parent in reach(site, parents):
            parent[last] = value
    return site


def reach(data: Data, parts: list[str]) -> list[Data]:
    found = [data]
    for part in parts:
        found = [child for item in found for child in (item.values() if part == "*" else [item.setdefault(part, {})])]
    return found


def spoken(path: Path) -> str:
    base = plain(template.text())
    lines = []
    for case in plain(path.read_text()):
        site = Site.model_validate(changed(base, case))
        findings = rules.check(site)
        lines += [f"# {case['case']}", *(finding.render() for finding in findings), *(["fine"] if not findings else [])]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_rules_say(path: Path) -> None:
    golden = path.with_suffix(".txt")
    said = spoken(path)
    if os.environ.get("WALLCLOUD_GOLDEN") == "update":
        golden.write_text(said)
    assert said == golden.read_text()


@pytest.mark.parametrize("rule", rules.rules(), ids=lambda rule: rule.id)
def test_every_rule_has_a_case_that_breaks_it(rule: Rule) -> None:
    golden = CASES / f"{rule.id}.txt"
    assert f"[{rule.id}]" in golden.read_text()


@pytest.mark.parametrize("rule", rules.rules(), ids=lambda rule: rule.id)
def test_every_rule_says_what_it_forbids_and_why(rule: Rule) -> None:
    assert rule.forbids and rule.why and rule.mend
    assert rule.severity in ("error", "warning")


def test_rules_are_found_by_their_files() -> None:
    folder = Path(rules.__file__).parent
    files = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    assert [rule.id.replace("-", "_") for rule in rules.rules()] == files


@pytest.mark.parametrize("flavour", template.FLAVOURS)
def test_the_templates_break_no_rule(flavour: template.Flavour) -> None:
    assert rules.check(Site.model_validate(plain(template.text(flavour)))) == ()


@pytest.mark.parametrize("rule", rules.rules(), ids=lambda rule: rule.id)
def test_every_rule_points_at_a_line_that_says_it(rule: Rule) -> None:
    """Of the first site among its cases that breaks it, written out."""
    base = plain(template.text())
    for case in plain((CASES / f"{rule.id}.yaml").read_text()):
        text = StringIO()
        YAML().dump(changed(base, case), text)
        data = text.getvalue().encode()
        loaded = load_text(data, FILE)
        found = [finding for finding in rules.check(loaded.site, loaded.locations) if finding.id == rule.id]
        for finding in found:
            judge(finding, data)
            assert finding.why == rule.why
            # Of what is not in the file the mapping around it is pointed at.
            line = data.decode().splitlines()[finding.location.line - 1 if finding.location else 0]
            assert any(str(part) in line for part in (*finding.path, finding.path[0])) or isinstance(
                finding.path[-1], int
            )
        if found:
            return
    raise AssertionError("no case breaks it")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        # Pools cannot overlap: they lie in their networks, and these are disjoint.
        (
            {"networks.flat-b.cidr": "198.18.51.0/24", "networks.flat-b.pool": "198.18.51.10-198.18.51.20"},
            "cidrs-disjoint",
        ),
        # Admins are in no tenants' network, and management is not the public network.
        ({"admin_prefixes": ["198.18.51.0/25"]}, "cidrs-disjoint"),
        ({"networks.public.cidr": "198.18.10.0/24"}, "cidrs-disjoint"),
        ({"nodes.api.interfaces": {"management": "eth0", "public": "eth0"}}, "interface-once"),
        # No node but the api node is met by tenants, and the control plane is no role of it.
        ({"nodes.control.interfaces": {"management": "mgmt0", "public": "pub0"}}, "control-on-management-only"),
        ({"nodes.api.roles": ["api", "control"]}, "roles-apart"),
        # Nobody routes the overlay, which nobody else touches; management has no default route.
        ({"networks.overlay.gateway": "198.18.20.1"}, "overlay-unrouted"),
        ({"nodes.api.interfaces": {"management": "a", "public": "b", "overlay": "c"}}, "overlay-members"),
        ({"admin_prefixes": ["0.0.0.0/0"]}, "management-no-default-route"),
    ],
)
def test_what_needs_no_rule_of_its_own(change: Data, told: str) -> None:
    """Sentences of the design that no rule says by name, since another cannot be kept without them."""
    site = Site.model_validate(changed(plain(template.text()), {"set": change}))
    assert told in {finding.id for finding in rules.check(site)}


@pytest.mark.parametrize(
    "change",
    [
        {"networks.both": {"kind": ["management", "public"], "cidr": "198.18.99.0/24"}},
        {"networks.storage": {"kind": "storage", "cidr": "198.18.99.0/24"}},
        {"nodes.meter": {"roles": ["telemetry"], "interfaces": {"management": "mgmt0"}}},
        {"nodes.control.components": ["bind"]},
        {"admin_prefixes": []},
        {"networks.overlay.mtu": 1279},
        {"networks.public.vlan": 0},
    ],
)
def test_what_the_model_refuses_before_any_rule_is_asked(change: Data) -> None:
    """A network of two kinds, an unknown kind or role, a component where the site wants it, nobody as admin."""
    with pytest.raises(ValidationError):
        Site.model_validate(changed(plain(template.text()), {"set": change}))


def test_require_refuses_errors_and_returns_warnings() -> None:
    base = plain(template.text())
    warned = changed(base, {"set": {"networks.overlay.mtu": 1500}})
    assert [finding.id for finding in rules.require(Site.model_validate(warned))] == ["overlay-mtu"]
    broken = changed(warned, {"set": {"nodes.control.roles": ["control", "compute"]}})
    with pytest.raises(SiteError) as caught:
        rules.require(Site.model_validate(broken))
    assert {"roles-apart", "overlay-mtu"} <= {finding.id for finding in caught.value.findings}
