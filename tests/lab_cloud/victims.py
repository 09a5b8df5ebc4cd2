"""Who is killed during the tenants' part, when, and what may fail by it: at most the requests in flight."""

import os
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path

from tests.design.world import designed
from tests.lab_cloud.cloud import NODES, Cloud, Report, report_of, verify_words
from tests.lab_cloud.command import Running
from tests.lab_cloud.harm import SEED_VARIABLE

from wallcloud.node.resources import Unit

SEED = os.environ.get(SEED_VARIABLE, "20262")


def _services(node: str) -> tuple[str, ...]:
    """What runs on a node as the design has it: `wallcloud-NAME.service`, NAME@ for instances that are started by need.

    Without what ends by itself, and without helpers that hold dnsmasq and haproxy beyond their agents' death.
    """
    # The lab's machines have this computer's kernel.
    design = designed(ovs_kernel=Path("/sys/module/openvswitch").exists())
    units = [each for each in design.specs[node].resources if isinstance(each, Unit)]
    found = (each.unit.removeprefix("wallcloud-") for each in units if "Type=oneshot" not in each.text)
    names = (name.removesuffix(".service") for name in found if name.endswith(".service"))
    return tuple(name for name in names if not name.startswith("root-"))


SERVICES = {node: _services(node) for node in NODES}
"""Every service, server and agent of every node."""
POWER = "power"
MAKING, REFUSED, STARTING, READY, TOLD = (
    "two tenants, their networks and VMs",
    "what must be refused",
    "VMs start",
    "guests come up",
    "what guests are told",
)
OPEN, WALLS, FRAMES, GOING = "open ways", "walls", "forged frames", "everything goes"
STEPS = (MAKING, REFUSED, STARTING, READY, TOLD, OPEN, WALLS, FRAMES, GOING)
"""The tenants' part, in its own words. Before and after there is nothing of tenants' to interrupt."""
_TALKING = ("private/", "floating/", "flat/", "public/", "outside/", "routed/", "frames/")
"""Guests and wires, and no request to the cloud: ids of OPEN, WALLS, FRAMES."""
_CARRIERS = ("ovsdb", "openvswitch")
"""Not behind the guests' packets but under them."""
_GUEST = re.compile(r"verify-[a-z0-9-]+").findall
_BACK_SECONDS = 600.0


@dataclass(frozen=True)
class Victim:
    """A service's main process killed by SIGKILL, or (`POWER`) a node switched off and on."""

    node: str
    service: str

    @property
    def name(self) -> str:
        return f"{self.node}-{self.service.strip('@')}"

    @property
    def _random(self) -> random.Random:
        return random.Random(f"{SEED} {self.name}")

    @property
    def step(self) -> str:
        """During which step of the tenants' part."""
        return self._random.choice(STEPS)

    @property
    def pause(self) -> float:
        """Seconds after that step has begun; it may be over by then."""
        rng = self._random
        rng.random()
        return rng.uniform(0.0, 2.0)

    def __str__(self) -> str:
        return f"{self.service} on {self.node}, {self.pause:.1f} s into “{self.step}” ({SEED_VARIABLE}={SEED})"


VICTIMS = tuple(Victim(node, name) for node in NODES for name in (*SERVICES[node], POWER))


def _handful() -> tuple[Victim, Victim]:
    rng = random.Random(SEED)
    control = [victim for victim in VICTIMS if victim.node == "control" and victim.service != POWER]
    carriers = [victim for victim in VICTIMS if victim.node not in {"control", "api"}]
    return rng.choice(control), rng.choice(carriers)


HANDFUL = _handful()
"""Those that `make test` takes: something of control's, and something where tenants' packets are."""

_MAIN = """
for unit in $(systemctl list-units --plain --no-legend --state=running --type=service 'wallcloud-{unit}' |
        cut -d' ' -f1); do
    systemctl show --property=MainPID --value $unit
done
"""


def _mains(cloud: Cloud, victim: Victim) -> list[str]:
    unit = f"{victim.service}*.service" if victim.service.endswith("@") else f"{victim.service}.service"
    return cloud.on(victim.node, _MAIN.format(unit=unit)).split()


def kill(cloud: Cloud, victim: Victim) -> None:
    """SIGKILL; returns when what was killed is back, by itself. A node is switched on again as soon as it is off."""
    if victim.service == POWER:
        cloud.run("lab", "restart", victim.node).expect(0)
        return
    before = _mains(cloud, victim)
    assert before, f"there is no process to kill: {victim}"
    cloud.on(victim.node, f"kill -KILL {' '.join(before)}")
    end = time.monotonic() + _BACK_SECONDS
    # An instance is started by whoever needs it next, perhaps never again.
    while not victim.service.endswith("@") and not set(_mains(cloud, victim)) - set(before):
        assert time.monotonic() < end, f"it does not come back: {victim}"
        time.sleep(1)


def hurt(cloud: Cloud, victim: Victim) -> Report:
    """The report of a run of the tenants' part during which this happened."""
    running = cloud.start(*verify_words(("tenants",)))
    _begun(running, victim.step)
    time.sleep(victim.pause)
    kill(cloud, victim)
    done = cloud.finish(running)
    print(done.stderr)
    return report_of(done)


def _begun(running: Running, step: str) -> None:
    running.until(lambda line: line.startswith(step) and line.endswith("…"), f"“{step}” begins", 900)


def unexplained(report: Report, victim: Victim) -> list[str]:
    """What failed in a run and was no request in flight, nor about a guest that such a request was to make.

    While a node is away everything that it carries is in flight; but a wall never opens for anything that dies.
    """
    failed: list[dict[str, str]] = report["parts"]["tenants"]["failed"]
    unmade = {name for one in failed if (name := _thing(one["id"]))}
    return [
        f"{one['id']}: expected {one['expected']}, saw {one['seen'][:300]}"
        for one in failed
        if _opened(**one) or not _explained(one["id"], victim, unmade)
    ]


def unswept(report: Report) -> list[str]:
    """What failed in the run after: nothing may, but that it swept away what the hurt one had left on a node (tunnels
    and flows that an agent forgot with its life, and finds when their network's next port comes)."""
    return [one["id"] for part in report["parts"].values() for one in part["failed"] if not _swept(**one)]


def _swept(id: str, seen: str, **_: str) -> bool:
    """What came is told before what went: so nothing came."""
    return id.startswith("inventory/") and id.endswith("/left") and seen.startswith("changed: -")


def _thing(id: str) -> str:
    """The tenant or guest that could not be made, where this failure says so."""
    kind, _, rest = id.partition("/")
    name, _, what = rest.partition("/")
    return name if (kind, what) in {("tenant", "made"), ("server", "active")} else ""


def _explained(id: str, victim: Victim, unmade: set[str]) -> bool:
    if id.startswith("inventory/") or id.endswith("/gone"):
        # The last steps follow each other within seconds, and an agent that missed a deletion finds out later: whether
        # it does, the next run tells.
        return True
    if any(segment.startswith(name) for segment in id.split("/") for name in unmade):
        return True
    carries = victim.service in _CARRIERS or (victim.service == POWER and victim.node not in {"control", "api"})
    if id.startswith(_TALKING):
        # Guests talk on while the cloud's own programs die, on whatever node.
        return carries
    if id.startswith("guest/"):
        # Metadata is a request to the cloud, and so is a console; what was killed before it is back by then.
        return victim.step in {READY, TOLD} or carries or victim.service == POWER
    return victim.step in {MAKING, REFUSED, STARTING, READY} or victim.service == POWER


def _opened(id: str, expected: str, seen: str, **_: str) -> bool:
    """Whether something passed that must not."""
    if id.startswith("refused/"):
        return seen.startswith("status 2")
    outcome = seen.partition(":")[0]
    if id.startswith("frames/"):
        further = id.endswith("/reach") and outcome != "no answer" and {*_GUEST(seen)} - {*_GUEST(expected)}
        return seen.startswith("leaves") or bool(further)
    if id.startswith("outside/") or id.endswith("/too-large"):
        return outcome != "no answer"
    return id.startswith("private/") and _tenants(id) == {"a", "b"} and outcome == "answered"


def _tenants(id: str) -> set[str]:
    return {segment.removeprefix("verify-")[0] for segment in id.split("/") if segment.startswith("verify-")}
