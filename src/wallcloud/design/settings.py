"""The operator's options (`options:` of the site) against the release's option tables, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wallcloud.build.options import Option, OptionTable, Problem, table
from wallcloud.build.options_near import near
from wallcloud.catalog.component import Component
from wallcloud.site.fields import OptionValue
from wallcloud.site.finding import Finding, Severity, Where
from wallcloud.site.locations import Locations
from wallcloud.site.model import Site

_TRUST = frozenset({"cafile", "insecure"})
"""keystoneauth's, in the groups of all services: whom a client believes follows from the site, whoever it talks to."""


def check_options(site: Site, catalog: Mapping[str, Component], locations: Locations) -> Iterator[Finding]:
    """Findings for components that do not exist and for options that the release does not know or would refuse."""
    tunable = _tunable(catalog)
    for component, groups in site.options.items():
        path: Where = ("options", component)
        if component not in tunable:
            text, mend = _no_options(component, catalog, tunable)
            yield Finding("unknown-component", "error", text, mend, path, locations.key(path))
            continue
        known = table(site.release, tunable[component])
        derived = set(catalog[component].derived)
        said: dict[tuple[str, str], Where] = {}
        for where, group, option, value in _each(path, groups):
            place = locations.key(where)
            now, name = known.present(group, option)
            first = said.setdefault((now, name), where)
            problem = known.check(group, option, [str(each) for each in value] if isinstance(value, tuple) else value)
            if first != where:
                text = f"[{group}] {option} is what line {locations.key(first).line} sets: [{first[-2]}] {first[-1]}"
                yield Finding("option-twice", "error", text, "keep one of them", where, place)
            elif f"{now.lower()}.{name}" in derived or name in _TRUST:
                text = f"[{group}] {option} follows from the site and cannot be set"
                mend = "take the line out; `wallcloud show files` shows what it is"
                yield Finding("derived-option", "error", text, mend, where, place)
            elif problem:
                severity: Severity = "warning" if problem.deprecated else "error"
                others = {name: table(site.release, program) for name, program in tunable.items()}
                mend = _mend(problem, known.option(group, option), [*_knowing(others, group, option)])
                yield Finding(problem.id, severity, problem.text, mend, where, place)


def with_present_names(site: Site, catalog: Mapping[str, Component]) -> Site:
    """The site with each option under the name that the release has for it now: beside the present one, which the
    design may set, an old name is not read."""
    tunable = _tunable(catalog)
    whole: dict[str, dict[str, dict[str, OptionValue]]] = {}
    for component, groups in site.options.items():
        known = table(site.release, tunable[component])
        for _, group, option, value in _each((), groups):
            now, name = known.present(group, option)
            whole.setdefault(component, {}).setdefault(now, {})[name] = value
    return site.model_copy(update={"options": whole})


def _each(
    path: Where, groups: Mapping[str, Mapping[str, OptionValue]]
) -> Iterator[tuple[Where, str, str, OptionValue]]:
    """Every (where it stands, group, option, value) of a component."""
    for group, options in groups.items():
        for option, value in options.items():
            yield (*path, group, option), group, option, value


def _tunable(catalog: Mapping[str, Component]) -> dict[str, str]:
    """Component → the program whose options it takes."""
    return {name: component.program for name, component in catalog.items() if component.program}


def _no_options(component: str, catalog: Mapping[str, Component], tunable: Mapping[str, str]) -> tuple[str, str]:
    """What is wrong with a name that takes no options, and what mends it."""
    text = f"{component} takes no options" if component in catalog else f"no component named {component} takes options"
    parts = [name for name in tunable if name.startswith(f"{component}-")]
    if parts:
        return text, f"did you mean {'one of ' if len(parts) > 1 else ''}{', '.join(sorted(parts))}?"
    close = near(component, tunable)
    return text, f"did you mean {close}?" if close else f"components with options: {', '.join(sorted(tunable))}"


def _knowing(tables: Mapping[str, OptionTable], group: str, option: str) -> Iterator[str]:
    """The components whose programs know an option."""
    return (component for component, known in sorted(tables.items()) if known.option(group, option))


def _mend(problem: Problem, option: Option | None, knowing: list[str]) -> str:
    """The table's own hint; where it has none, who knows the option, or what upstream says of it."""
    if option is None:
        guessed = problem.deprecated or problem.mend.startswith("did you mean")
        return f"that is an option of {', '.join(knowing)}" if knowing and not guessed else problem.mend
    if problem.deprecated:
        return "it works until then; take the line out where you can do without"
    return problem.mend or _usual(option)


def _usual(option: Option) -> str:
    """An option's default and what it is for, in upstream's words."""
    default = option.default
    if isinstance(default, bool):
        default = str(default).lower()
    elif isinstance(default, list | tuple):
        default = ", ".join(default)
    said = f"its default is {default}" if default not in (None, "") else "it has no default"
    return f"{said}; upstream says: {option.help}" if option.help else said
