"""The far end of SSH for tests: a program `ssh` in PATH that plays a scenario per host, or runs the command right here.

Nothing of a lab is imitated: these tests are about the deployer's end, whatever comes from the other.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wallcloud.site.addresses import plan
from wallcloud.site.load import Loaded, load

SSH = """\
#!/bin/sh
call=$(printf '%s ' "$@" | tr '\\n' ' ')
printf '%s\\n' "$call" >>{folder}/calls  # one write: calls of other hosts come at the same time
while [ "$1" != -- ]; do shift; done
if [ -f {folder}/$2.sh ]; then exec /bin/sh {folder}/$2.sh "$3"; fi
if [ -f {folder}/$2.py ]; then exec python3 -I -S {folder}/play.py {folder} $2 "$3"; fi
echo "ssh: connect to host $2 port 22: No route to host" >&2
exit 255
"""
PLAY = '''\
import json, sys, time
folder, host, command = sys.argv[1:]
stdin = sys.stdin.buffer
if command == "true":
    exec(open(f"{folder}/{host}.true").read())
    sys.exit(0)
head = json.loads(stdin.readline())
app = stdin.read(head["app"])
log = open(f"{folder}/{host}.heard", "a")

def hear():
    line = stdin.readline()
    message = json.loads(line) if line else {"op": None}
    if message["op"] == "blob":
        message["content"] = stdin.read(message["size"]).decode()
    print(json.dumps(message), file=log, flush=True)
    return message

def say(event, **fields):
    print(json.dumps({"event": event, "time": time.time(), **fields}), flush=True)

def done(index=0, outcome="unchanged", kind="file", name="/x", changes=(), consequence=""):
    resource = {"kind": kind, "name": name, "component": "test"}
    say("done", index=index, resource=resource, outcome=outcome, changes=list(changes), reason="a test",
        consequence=consequence, seconds=0.0)

def finish(outcome="ok", applied=0, unchanged=0, planned=0):
    say("finished", outcome=outcome, applied=applied, unchanged=unchanged, planned=planned, seconds=0.1)
    sys.exit(0)

def failed(what="broke"):
    resource = {"kind": "unit", "name": "x.service", "component": "test"}
    say("failed", index=0, resource=resource, what=what, tried="systemctl start x", output=["line"], hint="mend it")

def order(facts={}):
    """Tells facts; what is ordered then."""
    assert hear() == {"op": "facts"}
    say("facts", facts=facts)
    return hear()

def wait(*milestones):
    say("waiting", index=0, milestones=list(milestones))
    got = {}
    while set(got) < set(milestones):
        message = hear()
        if message["op"] not in ("milestone", "milestone-failed"):
            return message
        got[message["name"]] = message
    return got

exec(compile(open(f"{folder}/{host}.py").read(), host, "exec"))
'''
FINE = "spec = order()['spec']\nsay('begin', count=0)\nfinish(unchanged=len(spec['resources']))"
HERE = '#!/bin/sh\nexec sh -c "$1"\n'


@dataclass
class Far:
    """Every node of a site; one without a scenario cannot be reached."""

    folder: Path
    loaded: Loaded
    reported: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def address(self, node: str) -> str:
        return str(plan(self.loaded.site).address(node, "management"))

    def plays(self, node: str, scenario: str, *, fresh: str = "") -> None:
        """`scenario` is Python (see PLAY); `fresh` what a new connection for `true` does."""
        (self.folder / f"{self.address(node)}.py").write_text(scenario)
        (self.folder / f"{self.address(node)}.true").write_text(fresh)

    def runs(self, node: str, script: str) -> None:
        """A shell script stands for the whole of ssh; the command is its first argument."""
        (self.folder / f"{self.address(node)}.sh").write_text(script)

    def heard(self, node: str) -> list[dict[str, Any]]:
        file = self.folder / f"{self.address(node)}.heard"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def event(self, node: str, event: dict[str, Any]) -> None:
        """A Reporter."""
        self.reported.append((node, event))

    def events(self, node: str) -> list[str]:
        return [event["event"] for each, event in self.reported if each == node]


def make(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Far:
    """`ssh` in PATH, the site's file, a cache of its own."""
    bin_ = folder / "bin"
    bin_.mkdir()
    far = folder / "far"
    far.mkdir()
    (bin_ / "ssh").write_text(SSH.format(folder=far))
    (bin_ / "ssh").chmod(0o755)
    (far / "play.py").write_text(PLAY)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    site = folder / "site.yaml"
    site.write_text(text)
    return Far(far, load(site))
