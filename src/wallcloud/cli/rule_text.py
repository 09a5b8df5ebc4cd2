"""The rules of separation for people: `wallcloud show rules`, and docs/rules.md."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.cli.table import hang
from wallcloud.design import virtual
from wallcloud.design.separation import catalog_rules
from wallcloud.frozen import frozen
from wallcloud.rules import rules


@frozen
class Told:
    """A rule as it is shown. `of`: what it is about; `severity`: what a breach of it is."""

    id: str
    of: str
    severity: str
    forbids: str
    why: str
    mend: str


SITE, HOSTS, COMPONENTS = "the site", "the hosts", "the components"


def every_rule() -> tuple[Told, ...]:
    """All that `wallcloud check` asks, those of the site first."""
    site = [Told(it.id, SITE, it.severity, it.forbids, it.why, it.mend) for it in rules()]
    hosts = [Told(virtual.ID, HOSTS, "warning", virtual.FORBIDS, virtual.WHY, virtual.MEND)]
    catalog = [Told(it.id, COMPONENTS, "error", it.forbids, it.why, it.mend) for it in catalog_rules()]
    return (*site, *hosts, *catalog)


def rule_count() -> int:
    """How many rules there are."""
    return len(every_rule())


def text(chosen: tuple[Told, ...], limit: int | None) -> Iterator[str]:
    """Lines of at most `limit` characters, three or four for each rule."""
    yield f"Rules of separation: {len(chosen)}. A site that breaks one does not compile; a warning is told and lets it."
    for of in dict.fromkeys(rule.of for rule in chosen):
        yield ""
        yield f"Of {of}"
        for rule in (rule for rule in chosen if rule.of == of):
            yield f"  {rule.id}{' (warning)' if rule.severity == 'warning' else ''}"
            yield from hang("      forbids  ", rule.forbids, limit)
            yield from hang("      why      ", rule.why, limit)
            yield from hang("      mend     ", rule.mend, limit)


_INTRO = """\
# The rules of separation

Made of the rules themselves by `wallcloud show rules --markdown > docs/rules.md`; a test holds it to them.

`wallcloud check` asks all of them, and every verb that builds on a site asks again: with an error nothing compiles, so
nothing is deployed. A warning is told and lets the site be. What a single value may be (a name, an address, a number)
is said by the site's schema (`wallcloud schema`), and which options of OpenStack may be set by its release.
"""
_ABOUT = {
    SITE: "What the operator wrote: `src/wallcloud/rules/`, one file each.",
    HOSTS: "What the nodes said of themselves when they were met last; `wallcloud preflight` asks them anew.",
    COMPONENTS: "What a component declares, whatever the site: `src/wallcloud/design/separation/`, one file each.",
}


def markdown(chosen: tuple[Told, ...]) -> Iterator[str]:
    """Lines of the page."""
    yield from _INTRO.rstrip().splitlines()
    for of in dict.fromkeys(rule.of for rule in chosen):
        yield from ("", f"## Of {of}", "", _ABOUT[of], "")
        yield from ("| rule | forbids | why | mend |", "|---|---|---|---|")
        for rule in (rule for rule in chosen if rule.of == of):
            name = f"`{rule.id}`{' (warning)' if rule.severity == 'warning' else ''}"
            cells = (name, rule.forbids, rule.why, rule.mend)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
