"""The frame of the rules: what a rule is, how rules are found and asked."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from wallcloud.frozen import frozen
from wallcloud.site.addresses import AddressPlan, plan
from wallcloud.site.finding import Finding, Severity, SiteError, Where
from wallcloud.site.locations import Locations
from wallcloud.site.model import Site


@frozen
class Violation:
    """One place where a site breaks a rule. `text` is a sentence of its own; `mend` stands in for the rule's."""

    path: Where
    text: str
    mend: str = ""


@frozen
class Rule:
    """`forbids` is for people who ask what the rule is about; `why` and `mend` stand under its findings."""

    id: str
    forbids: str
    why: str
    mend: str
    check: Callable[[Site, AddressPlan], Iterator[Violation]]
    severity: Severity = "error"


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of their files' names."""
    package = "wallcloud.rules"
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    found = [importlib.import_module(f"{package}.{name}").RULE for name in names if not name.startswith("_")]
    return tuple(rule for rule in found if isinstance(rule, Rule))


def check(site: Site, locations: Locations | None = None) -> tuple[Finding, ...]:
    """Asks every rule. With locations the findings come in the order of the file, without in that of the rules."""
    addresses = plan(site)
    findings = [
        Finding(
            rule.id,
            rule.severity,
            violation.text,
            violation.mend or rule.mend,
            violation.path,
            locations.at(violation.path) if locations else None,
            rule.why,
        )
        for rule in rules()
        for violation in rule.check(site, addresses)
    ]
    if locations:
        findings.sort(key=lambda finding: (locations.at(finding.path), finding.id))
    return tuple(findings)


def require(site: Site, locations: Locations | None = None, file: Path | None = None) -> tuple[Finding, ...]:
    """The door in front of everything that builds on a site: raises SiteError at errors, returns warnings."""
    findings = check(site, locations)
    if any(finding.severity == "error" for finding in findings):
        raise SiteError(findings, file)
    return findings
