"""The frame of the catalog's rules: what one is, how they are found and asked."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from wallcloud.catalog.component import Component
from wallcloud.frozen import frozen
from wallcloud.site.finding import Finding

Catalog = Mapping[str, Component]


@frozen
class Breach:
    """One place where a component breaks a rule: its name, the field that says so, and a sentence of its own."""

    component: str
    field: str
    text: str


@frozen
class CatalogRule:
    """As `wallcloud.rules.Rule`, but of components: `check` is given the whole catalog."""

    id: str
    forbids: str
    why: str
    mend: str
    check: Callable[[Catalog], Iterator[Breach]]


@cache
def catalog_rules() -> tuple[CatalogRule, ...]:
    """All rules, in the order of their files' names."""
    package = "wallcloud.design.separation"
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    found = [importlib.import_module(f"{package}.{name}").RULE for name in names if not name.startswith("_")]
    return tuple(rule for rule in found if isinstance(rule, CatalogRule))


def check_catalog(catalog: Catalog) -> tuple[Finding, ...]:
    """Asks every rule. A finding's path is `catalog`, the component and the field: its file is catalog/NAME.py."""
    return tuple(
        Finding(
            rule.id,
            "error",
            f"{breach.component}: {breach.text}",
            rule.mend,
            ("catalog", breach.component, breach.field),
            None,
            rule.why,
        )
        for rule in catalog_rules()
        for breach in rule.check(catalog)
    )
