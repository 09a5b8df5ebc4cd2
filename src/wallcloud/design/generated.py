"""The oslo.config files that components write, against the release's option tables: what a program would refuse,
ignore or soon forget does not compile.

Judged is what stands in the finished Specs, by the reader's rules, however a component made it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wallcloud.build.options import Kind, OptionTable, table
from wallcloud.catalog.component import Component
from wallcloud.errors import WallcloudError
from wallcloud.node.resources import File
from wallcloud.node.secret import Text
from wallcloud.node.spec import Spec
from wallcloud.site.model import Site

_HOLE = "\0"
"""Stands for a secret in a line: its value is no type's but the server's."""


class SettingError(WallcloudError):
    """Settings of a component that the release does not take. A mistake in the catalog: the operator's were judged."""


def oslo_files(spec: Spec, catalog: Mapping[str, Component]) -> Iterator[File]:
    """The oslo.config files of a node: what ends in .conf of a component that runs from OpenStack's environment."""
    for resource in spec.resources:
        if isinstance(resource, File) and resource.path.endswith(".conf"):
            component = catalog.get(resource.component)
            if component is not None and (component.program or component.environment):
                yield resource


def check_generated(specs: Mapping[str, Spec], site: Site, catalog: Mapping[str, Component]) -> None:
    """Raises SettingError with every setting that is unknown, deprecated, of the wrong type or out of range."""
    judge = _Judge(site, catalog)
    wrong: dict[str, str] = {}
    for node, spec in specs.items():
        for file in oslo_files(spec, catalog):
            for text in judge.problems(file):
                wrong.setdefault(text, f"{node}:{file.path}")
    if wrong:
        raise SettingError(
            f"OpenStack {site.release} does not take {len(wrong)} of the settings that Wallcloud writes",
            where=next(iter(wrong.values())),
            hint="this is a mistake in a component of the catalog; please report it",
            output=tuple(f"{where}: {text}" for text, where in wrong.items()),
        )


class _Judge:
    """Judges files; a line that stands on a thousand nodes once."""

    def __init__(self, site: Site, catalog: Mapping[str, Component]) -> None:
        self._release, self._catalog = site.release, catalog
        self._said = {
            (component, group.lower(), option.replace("-", "_"))
            for component, groups in site.options.items()
            for group, options in groups.items()
            for option in options
        }
        self._judged: dict[tuple[str, str, str], str] = {}

    def problems(self, file: File) -> Iterator[str]:
        """What is wrong with the settings of a file."""
        component = self._catalog[file.component]
        if component.program is None:
            yield f"{component.name} names no program whose options these are"
            return
        known = table(self._release, component.program)
        judged, group = self._judged, ""
        seen: set[tuple[str, str]] = set()
        for line in _lines(file.content):
            if line.startswith("["):
                group = line.strip("[]")
                continue
            key = (component.name, group, line)
            if key not in judged:
                judged[key] = self._judge(component.name, known, group, line)
            if judged[key]:
                yield judged[key]
            setting = (group.lower(), line.partition(" = ")[0])
            if setting in seen and not _many(known, *setting):
                yield f"{component.name}: [{group}] {setting[1]} stands twice: only the later line would count"
            seen.add(setting)

    def _judge(self, component: str, known: OptionTable, group: str, line: str) -> str:
        option, equals, value = line.partition(" = ")
        if not (equals and group):
            return f"{component}: {line!r} is no setting of a group"
        if (component, group.lower(), option) in self._said:
            return ""
        problem = known.check(group, option, None if _HOLE in value else value)
        return f"{component}: {problem.text}" if problem else ""


def _many(known: OptionTable, group: str, option: str) -> bool:
    """Whether a program reads every line of an option, not only the last."""
    found = known.option(group, option)
    return found is not None and found.kind is Kind.MULTI


def _lines(content: Text) -> Iterator[str]:
    """The lines that say something, with holes where secrets are."""
    whole = content if isinstance(content, str) else "".join(it if isinstance(it, str) else _HOLE for it in content)
    return (line for line in whole.splitlines() if line and not line.startswith("#"))
