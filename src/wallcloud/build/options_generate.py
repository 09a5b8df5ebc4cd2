"""Makes the committed option tables: `python -m wallcloud.build.options_generate 2026.2 UNPACKED-ENVIRONMENT`.

For each program upstream's `oslo-config-generator --format json` lists its namespaces. Added are what no namespace
holds: the password options that keystoneauth reads in every group with `auth_type`, and the privileged helpers' groups.
Defaults that depend on the machine are replaced by `<environment>` and `<host>`, so that every machine makes one table.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wallcloud.build.options import Kind
from wallcloud.build.options_check import problem_with
from wallcloud.build.options_programs import PROGRAMS, Program
from wallcloud.build.releases import options_of
from wallcloud.build.run import clean_environment, must, stream
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen

_KINDS = {
    "boolean value": Kind.BOOLEAN,
    "dict value": Kind.DICT,
    "floating point value": Kind.FLOAT,
    "host address value": Kind.HOST_ADDRESS,
    "host domain value": Kind.HOST,
    "hostname value": Kind.HOST,
    "integer value": Kind.INTEGER,
    "IP address value": Kind.IP,
    "IPv4 zone prefix": Kind.INTEGER,
    "IPv6 zone prefix": Kind.INTEGER,
    "list value": Kind.LIST,
    "multi valued": Kind.MULTI,
    "port value": Kind.PORT,
    "string value": Kind.STRING,
    "uri value": Kind.URI,
}
# Asks keystoneauth for the options of its `password` plugin, in the shape of the generator's entries.
_PLUGIN = """
import json
from keystoneauth1 import loading
print(json.dumps([
    {"name": each.dest, "type": "string value", "secret": bool(each.secret), "help": each.help}
    for each in loading.get_plugin_options("password")
]))
"""
_HELP = 140

Fields = dict[str, Any]


@frozen
class Machine:
    """What may show up in a default and says nothing of the release: the environment's folder and the host's name."""

    environment: str
    name: str


def generate(environment: Path) -> dict[str, str]:
    """The text of each program's table, made with the environment unpacked at `environment`. Raises WallcloudError."""
    password = json.loads(_ask(environment, ("bin/python", "-I", "-W", "ignore", "-c", _PLUGIN)))

    machine = Machine(str(environment), socket.gethostname())

    def one(name: str) -> tuple[str, str]:
        with TemporaryDirectory() as folder:
            output = Path(folder) / "options.json"
            wanted = [f"--namespace={each}" for each in PROGRAMS[name].namespaces]
            _ask(environment, ("bin/oslo-config-generator", "--format=json", f"--output-file={output}", *wanted))
            listed = json.loads(output.read_text())["options"]
        return name, render(name, PROGRAMS[name], listed, password, machine)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(pool.map(one, sorted(PROGRAMS)))


def render(name: str, program: Program, listed: Fields, password: list[Fields], machine: Machine) -> str:
    """The JSON text of a table: one option a line, sorted. `listed` is the generator's `options`."""
    groups: dict[str, dict[str, Fields]] = {}
    for group, each in listed.items():
        options = {option["name"].replace("-", "_"): option for option in each["opts"]}
        if "auth_type" in options:
            options = {option["name"]: option for option in password} | options
        groups[group] = {
            option: _fields(fields, group, machine) for option, fields in sorted(options.items()) if options
        }
    for group in program.privsep:
        groups[group] = groups["privsep"]
    dynamic = [each.dynamic(groups) for each in program.dynamic]  # type: ignore[arg-type]
    lines = [
        f'{{"program": {json.dumps(name)},',
        f' "also": {json.dumps(list(program.also))},',
        f' "dynamic": {json.dumps([vars(each) for each in dynamic], sort_keys=True)},',
        ' "groups": {',
    ]
    shown = [_group(group, options) for group, options in sorted(groups.items()) if options]
    return "\n".join(lines) + "\n" + ",\n".join(shown) + "\n }}\n"


def _group(group: str, options: dict[str, Fields]) -> str:
    lines = [
        f"   {json.dumps(name)}: {json.dumps(fields, sort_keys=True, ensure_ascii=False)}"
        for name, fields in options.items()
    ]
    return f"  {json.dumps(group)}: {{\n" + ",\n".join(lines) + "}"


def _fields(option: Fields, group: str, machine: Machine) -> Fields:
    """An option in the table's form; what is false or empty is left out."""
    try:
        kind = _KINDS[option["type"]]
    except KeyError:
        kind = Kind.LIST if isinstance(option.get("default"), list) else Kind.STRING
    choices = ["" if value is None else str(value) for value, _help in option.get("choices", ())]
    least, most = option.get("min"), option.get("max")
    sample = option.get("sample_default")
    if isinstance(sample, str) and problem_with(kind, tuple(choices), least, most, sample) is not None:
        sample = f"<{sample.strip('<>')}>"  # an expression for the documentation's readers
    default = _settled(option.get("default") if sample is None else sample, kind, option["name"], machine)
    removed = _first_sentence(option.get("deprecated_reason") or "no reason given")
    was = sorted(
        {f"{old['group'] or group}/{old['name'].replace('-', '_')}" for old in option.get("deprecated_opts", ())}
    )
    fields: Fields = {
        "kind": kind.value,
        "choices": choices,
        "min": least,
        "max": most,
        "was": was,
        "removed": removed if option.get("deprecated_for_removal") else "",
        "secret": bool(option.get("secret")),
        "required": bool(option.get("required")),
        "mutable": bool(option.get("mutable")),
        "help": _first_sentence(option.get("help") or ""),
    }
    short = {key: value for key, value in fields.items() if not (value is None or value is False or value in ("", []))}
    return short if default is None else {**short, "default": default}


def _settled(default: Any, kind: Kind, name: str, machine: Machine) -> Any:
    """A default without what belongs to this machine; lists and dicts as lists of text."""
    if isinstance(default, dict):
        return [f"{key}:{value}" for key, value in sorted(default.items())]
    if isinstance(default, list | tuple):
        return [str(each).replace(machine.environment, "<environment>") for each in default]
    if not isinstance(default, str):
        return default
    if default == machine.name and (kind in {Kind.HOST, Kind.HOST_ADDRESS} or name == "host"):
        return "<host>"
    return default.replace(machine.environment, "<environment>")


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]
    return sentence if len(sentence) <= _HELP else sentence[: _HELP - 1].rsplit(" ", 1)[0] + "…"


def _ask(environment: Path, argv: Iterable[str]) -> str:
    program, *rest = argv
    lines: list[str] = []
    ran = stream((str(environment / program), *rest), lines.append, env=clean_environment(), cwd=environment)
    must(f"{program} failed in the environment {environment}", "is this an unpacked environment of the release?", ran)
    if broken := [line for line in lines if "Could not load" in line]:
        # It would go on without the namespace, and the table would silently lack options.
        raise WallcloudError("oslo-config-generator could not load all namespaces", output=tuple(broken))
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The program. Returns its exit status."""
    if len(arguments) != 2:
        print("usage: python -m wallcloud.build.options_generate RELEASE ENVIRONMENT-FOLDER", file=sys.stderr)
        return 2
    release, environment = arguments
    folder = options_of(release)
    folder.mkdir(exist_ok=True)
    try:
        texts = generate(Path(environment).resolve())
    except WallcloudError as error:
        print("\n".join((f"error: {error.what}", *error.output, f"hint: {error.hint}")), file=sys.stderr)
        return 1
    for old in folder.glob("*.json"):
        if old.stem not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text)
        print(f"{folder / name}.json: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
