"""Every rule against its golden case file: what it says of a site that breaks it, and nothing of one that does not.

`cases/NAME.yaml` lists changes to the article's site; `cases/NAME.txt` is what the rules say of each.
WALLCLOUD_GOLDEN=update writes the .txt files anew: read the difference before you keep it.
"""

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from wallcloud import rules
from wallcloud.rules import Rule
from wallcloud.site import template
from wallcloud.site.finding import SiteError
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


def test_require_refuses_errors_and_returns_warnings() -> None:
    base = plain(template.text())
    warned = changed(base, {"set": {"networks.overlay.mtu": 1500}})
    assert [finding.id for finding in rules.require(Site.model_validate(warned))] == ["overlay-mtu"]
    broken = changed(warned, {"set": {"nodes.control.roles": ["control", "compute"]}})
    with pytest.raises(SiteError) as caught:
        rules.require(Site.model_validate(broken))
    assert {"roles-apart", "overlay-mtu"} <= {finding.id for finding in caught.value.findings}
