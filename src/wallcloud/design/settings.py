"""The operator's options (`options:` of the site) against the release's option tables, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from wallcloud.build.options import table
from wallcloud.catalog.component import Component
from wallcloud.site.finding import Finding
from wallcloud.site.locations import Locations
from wallcloud.site.model import Site


def check_options(site: Site, catalog: Mapping[str, Component], locations: Locations) -> Iterator[Finding]:
    """Findings for components that do not exist and for options that the release does not know or would refuse."""
    tunable = {name: component.program for name, component in catalog.items() if component.program}
    derived = {name: set(component.derived) for name, component in catalog.items()}
    for component, groups in site.options.items():
        program = tunable.get(component)
        path: tuple[str, ...] = ("options", component)
        if program is None:
            close = get_close_matches(component, tunable, 1)
            mend = f"did you mean {close[0]}?" if close else f"components with options: {', '.join(sorted(tunable))}"
            yield Finding(
                "unknown-component",
                "error",
                f"no component named {component} takes options",
                mend,
                path,
                locations.key(path),
            )
            continue
        known = table(site.release, program)
        for group, options in groups.items():
            for option, value in options.items():
                where = (*path, group, option)
                if f"{group.lower()}.{option.replace('-', '_')}" in derived[component]:
                    yield Finding(
                        "derived-option",
                        "error",
                        f"[{group}] {option} follows from the site and cannot be set",
                        "take the line out; `wallcloud show files` shows what it is",
                        where,
                        locations.key(where),
                    )
                    continue
                many = [str(each) for each in value] if isinstance(value, tuple) else value
                problem = known.check(group, option, many)
                if problem is not None:
                    yield Finding(
                        problem.id,
                        "warning" if problem.deprecated else "error",
                        problem.text,
                        problem.mend,
                        where,
                        locations.key(where),
                    )
