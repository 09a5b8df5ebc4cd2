"""What settings each program of a release knows: the committed tables, and the judgement of a value against them.

A table is what upstream's own `oslo-config-generator` says of the locked environment (`options_generate` makes it). It
covers all files that one process reads together: `neutron-l3-agent` knows `neutron.conf` as well as `l3_agent.ini`.
"""

import json
import re
from enum import StrEnum
from functools import cache
from typing import Any

from wallcloud.build.options_check import Value, problem_with
from wallcloud.build.options_near import near
from wallcloud.build.releases import options_of
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen


class Kind(StrEnum):
    """The type of an option's value, as oslo.config parses it."""

    BOOLEAN = "boolean"
    DICT = "dict"
    FLOAT = "float"
    HOST = "host"
    HOST_ADDRESS = "host-address"
    INTEGER = "integer"
    IP = "ip"
    LIST = "list"
    MULTI = "multi"
    PORT = "port"
    STRING = "string"
    URI = "uri"


@frozen
class Option:
    """One option. `default` is upstream's (`<…>` where a machine decides); `was` lists its old `group/name`s."""

    name: str
    kind: Kind
    default: Value = None
    choices: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    was: tuple[str, ...] = ()
    removed: str = ""
    secret: bool = False
    required: bool = False
    mutable: bool = False
    help: str = ""


@frozen
class Dynamic:
    """Groups whose names the configuration itself chooses: `pattern` (of the whole name); they take `options`."""

    pattern: str
    options: tuple[str, ...]
    why: str


@frozen
class Problem:
    """What is wrong with a setting. `id`: unknown-group, unknown-option, renamed, removed, type, range or choice.

    `deprecated`: it still works in this release (renamed, removed); all else the program would refuse or ignore.
    """

    id: str
    text: str
    mend: str = ""
    deprecated: bool = False


@frozen
class OptionTable:
    """All settings that `program` of `release` knows: group -> option name (with underscores) -> Option."""

    release: str
    program: str
    groups: dict[str, dict[str, Option]]
    dynamic: tuple[Dynamic, ...] = ()

    def option(self, group: str, name: str) -> Option | None:
        """The option, by its present name; groups chosen by the configuration included."""
        return self._options(group).get(name.replace("-", "_"))

    def present(self, group: str, name: str) -> tuple[str, str]:
        """The group and the option that these names stand for now, as the table writes them; else as they are."""
        plain = name.replace("-", "_")
        if self.option(group, plain) is None:
            group, plain = self._renamed().get((group.lower(), plain), (group, plain))
        return next((each for each in self.groups if each.lower() == group.lower()), group), plain

    def check(self, group: str, name: str, value: Value) -> Problem | None:
        """What is wrong with `[group] name = value`, or None. `value` may be text as in a file, or already typed."""
        where = f"[{group}] {name}"
        found = self.option(group, name)
        if found is None:
            renamed = self._renamed().get((group.lower(), name.replace("-", "_")))
            if renamed is not None:
                return Problem(
                    "renamed",
                    f"{where} has a new name in {self.release}: [{renamed[0]}] {renamed[1]}",
                    f"write [{renamed[0]}] {renamed[1]} instead",
                    deprecated=True,
                )
            return self._unknown(group, name)
        wrong = problem_with(found.kind, found.choices, found.min, found.max, value)
        if wrong is not None:
            return Problem(wrong.id, f"{where} {wrong.text}", wrong.mend)
        if found.removed:
            return Problem("removed", f"{where} will be removed from {self.program}: {found.removed}", deprecated=True)
        return None

    def _options(self, group: str) -> dict[str, Option]:
        # oslo.config compares groups without regard to case (DEFAULT too), options with.
        for name, options in self.groups.items():
            if name.lower() == group.lower():
                return options
        for each in self.dynamic:
            if re.fullmatch(each.pattern, group, re.IGNORECASE):
                everything = {name: option for options in self.groups.values() for name, option in options.items()}
                return {name: everything.get(name, Option(name, Kind.STRING)) for name in each.options}
        return {}

    def _renamed(self) -> dict[tuple[str, str], tuple[str, str]]:
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for group, options in self.groups.items():
            for option in options.values():
                for old in option.was:
                    old_group, _, old_name = old.rpartition("/")
                    found[old_group.lower(), old_name] = (group, option.name)
        return found

    def _unknown(self, group: str, name: str) -> Problem:
        plain = name.replace("-", "_")
        elsewhere = sorted(each for each, options in self.groups.items() if plain in options)
        known = group.lower() in {each.lower() for each in self.groups}
        if known:
            guess = near(plain, self._options(group))
            mend = (
                f"did you mean {guess}?"
                if guess
                else f"{plain} is an option of {_listed(elsewhere)}"
                if elsewhere
                else "upstream's configuration reference lists its options"
            )
            return Problem("unknown-option", f"[{group}] has no option {name} in {self.program} {self.release}", mend)
        guess = near(group, self.groups)
        mend = f"did you mean [{guess}]?" if guess else f"{plain} is an option of {_listed(elsewhere)}"
        if not guess and not elsewhere:
            mend = "groups are written as in upstream's documentation, DEFAULT in capitals"
        return Problem("unknown-group", f"{self.program} {self.release} has no group [{group}]", mend)


def _listed(groups: list[str]) -> str:
    shown = ", ".join(f"[{group}]" for group in groups[:3])
    return shown + (" and others" if len(groups) > 3 else "")


def programs(release: str) -> tuple[str, ...]:
    """The programs that have a table in `release`."""
    return tuple(sorted(path.stem for path in options_of(release).glob("*.json")))


@cache
def table(release: str, program: str) -> OptionTable:
    """The table of a program, with those of the files that the same process reads. Raises WallcloudError."""
    if program not in programs(release):
        raise WallcloudError(
            f"there is no table of options for {program!r} in release {release}",
            hint=f"there are tables for: {', '.join(programs(release)) or 'none'}",
        )
    return load(json.loads((options_of(release) / f"{program}.json").read_text()), release)


def load(fields: dict[str, Any], release: str) -> OptionTable:
    """A table from its JSON form (made by `options_generate.render`)."""
    groups = {
        group: {name: _option(name, each) for name, each in options.items()}
        for group, options in fields["groups"].items()
    }
    dynamic = [Dynamic(each["pattern"], tuple(each["options"]), each["why"]) for each in fields["dynamic"]]
    for other in fields["also"]:
        base = table(release, other)
        groups = {
            group: {**base.groups.get(group, {}), **groups.get(group, {})} for group in sorted({*base.groups, *groups})
        }
        dynamic += base.dynamic
    return OptionTable(release, fields["program"], groups, tuple(dynamic))


def _option(name: str, fields: dict[str, Any]) -> Option:
    default = fields.get("default")
    return Option(
        name=name,
        kind=Kind(fields["kind"]),
        default=tuple(default) if isinstance(default, list) else default,
        choices=tuple(fields.get("choices", ())),
        min=fields.get("min"),
        max=fields.get("max"),
        was=tuple(fields.get("was", ())),
        removed=fields.get("removed", ""),
        secret=fields.get("secret", False),
        required=fields.get("required", False),
        mutable=fields.get("mutable", False),
        help=fields.get("help", ""),
    )
