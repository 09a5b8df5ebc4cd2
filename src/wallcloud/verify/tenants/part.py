"""The part as a whole: its steps in order, and what holds them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from types import ModuleType
from typing import TypeVar

from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.progress import Progress, step
from wallcloud.verify.doors import Credentials
from wallcloud.verify.expectation import Seen
from wallcloud.verify.hands import Hands, Trouble
from wallcloud.verify.reach.programs import PROGRAM as EARS
from wallcloud.verify.tenants import (
    accounts,
    checks_frames,
    checks_guests,
    checks_nodes,
    checks_others,
    checks_paths,
    checks_refused,
    checks_walls,
    frames,
    left,
    reaching,
    things,
)
from wallcloud.verify.tenants.client import Client, DoorAt, interrupted
from wallcloud.verify.tenants.ledger import Check, Ledger
from wallcloud.verify.tenants.programs import NODE, WORKSTATION
from wallcloud.verify.tenants.scenario import Scenario, Tenant, scenario
from wallcloud.verify.tenants.things import Things
from wallcloud.verify.tenants.world import World

T = TypeVar("T")
Start = Callable[[str], list[str]]
"""A place or node → the argv that runs `hands.ARGV` there."""


@frozen
class Doors:
    """Where the APIs are for admins, and for tenants; what no answer at the tenants' door may hold."""

    inner: DoorAt
    outer: DoorAt
    forbidden: tuple[str, ...]


@frozen
class Starts:
    """How programs are started at workstations and on nodes."""

    place: Start
    node: Start
    stranger: str | None = None
    """A place on the floating wires that is no tenant's."""


def run(
    design: Design, doors: Doors, admin: Credentials, starts: Starts, progress: Progress, keep: bool = False
) -> tuple[Seen, ...]:
    """Makes two tenants, tries everything, and takes everything away, whatever happens. With `keep` they stay until the
    next run, and what is left is not looked at. Raises WallcloudError where it cannot even begin."""
    plan = scenario(design)
    with ExitStack() as open_:

        def hands(place: str, start: Start, modules: tuple[ModuleType, ...]) -> Hands:
            return open_.enter_context(Hands(place, start(place), modules))

        at_admin = hands("admin", starts.place, WORKSTATION)
        workstation = at_admin if plan.place == "admin" else hands(plan.place, starts.place, WORKSTATION)
        nodes = {node: hands(node, starts.node, NODE) for node in plan.nodes}
        boss = Client(at_admin, doors.inner)
        boss.login(admin.user, admin.password, admin.project)
        made = {tenant.name: Things(Client(workstation, doors.outer, doors.forbidden)) for tenant in plan.tenants}
        stranger = hands(starts.stranger, starts.place, WORKSTATION) if starts.stranger else None
        world = World(plan, workstation, nodes, boss, made, stranger)
        ears = {node: hands(node, starts.node, EARS) for node in plan.nodes}
        return _Run(design, world, ears, progress).whole(keep)


def hides(plan: Scenario) -> bool:
    """Whether tenants' door hides the management network; where they use the management door, nothing is hidden."""
    return plan.place != "admin"


class _Run:
    def __init__(self, design: Design, world: World, ears: Mapping[str, Hands], progress: Progress) -> None:
        self._design = design
        self._world = world
        self._ears = ears
        self._progress = progress
        self._ledger = Ledger()
        self._before: dict[str, left.Inventory] = {}
        self._during: dict[str, left.Inventory] = {}
        self._after: dict[str, left.Inventory] = {}

    def whole(self, keep: bool) -> tuple[Seen, ...]:
        site, nodes, plan = self._design.site, self._world.nodes, self._world.scenario
        with step(self._progress, "what is there before"):
            self._leftovers(plan)
            accounts.greet(self._world.admin)
            self._before = left.settled(site, nodes)
        try:
            self._made(plan)
            self._tried()
        finally:
            # Also after Ctrl-C: what was made is taken away before the command ends.
            interrupted.clear()
            if not keep:
                with step(self._progress, "everything goes"):
                    self._ledger.try_all(self._gone(tenant) for tenant in plan.tenants)
        if hides(plan):
            self._ledger.try_one(self._quiet())
        if not keep:
            with step(self._progress, "what is left"):
                self._after = self._safely(lambda: left.after(site, nodes, self._before)) or {}
            self._ledger.try_all(left.checks(site, self._before, self._during, self._after))
        return self._ledger.seen

    def _leftovers(self, plan: Scenario) -> None:
        """Removes what an interrupted run left."""
        names = [tenant.name for tenant in plan.tenants if accounts.left(self._world.admin, tenant.name)]
        for name in names:
            self._log_in(name)
            things.remove(self._world.things[name].client)
            accounts.remove(self._world.admin, name)

    def _log_in(self, name: str) -> str:
        word = accounts.password()
        project = accounts.make(self._world.admin, name, word)
        self._world.things[name].client.login(name, word, name)
        return project

    def _made(self, plan: Scenario) -> None:
        with step(self._progress, "two tenants, their networks and VMs"):
            self._world.own = self._world.workstation.call(
                "own", address=self._world.things[plan.tenants[0].name].client.door.address
            )
            self._world.mirror = self._world.workstation.call("serve")["port"]
            self._ledger.try_all(self._making(tenant, number) for number, tenant in enumerate(plan.tenants))

    def _making(self, tenant: Tenant, number: int) -> Check:
        def act() -> str:
            project = self._log_in(tenant.name)
            few = {"network": 1, "floatingip": 1} if number else {}
            accounts.limit(self._world.admin, project, {"instances": len(tenant.guests)}, few)
            here = self._world.things[tenant.name]
            things.make(here.client, self._world.scenario, tenant, here)
            return "made"

        why = "a tenant makes network, router, security group, keypair, ports, floating IP and VMs by itself"
        return Check(f"tenant/{tenant.name}/made", self._world.scenario.place, "made", why, act)

    def _tried(self) -> None:
        world = self._world
        first = world.scenario.tenants[0]
        # Refusals are tried while the VMs boot.
        refused = [*checks_refused.catalog(world, first), *checks_refused.checks(world), *checks_others.checks(world)]
        self._try("what must be refused", refused)
        self._try("VMs start", checks_guests.servers(world))
        self._try("guests come up", checks_guests.ready(world))
        self._try("what guests are told", checks_guests.told(world))
        self._during = self._safely(lambda: left.take(self._design.site, world.nodes)) or {}
        self._try("open ways", checks_paths.checks(world))
        self._try("walls", checks_walls.checks(world))
        every = reaching.aims(self._design, world.scenario)
        with step(self._progress, f"VMs and nodes: {len(every)} expectations"):
            reached = reaching.record(world, every, self._ears)
        self._ledger.try_all(checks_nodes.checks(self._design, world, lambda: reached))
        with step(self._progress, "forged frames"):
            heard = frames.record(world)
        self._ledger.try_all(checks_frames.checks(world, lambda: heard))

    def _gone(self, tenant: Tenant) -> Check:
        def act() -> str:
            things.remove(self._world.things[tenant.name].client)
            accounts.remove(self._world.admin, tenant.name)
            return "gone"

        why = "a tenant takes everything away again by itself, and an admin the tenant"
        return Check(f"tenant/{tenant.name}/gone", self._world.scenario.place, "gone", why, act)

    def _quiet(self) -> Check:
        def act() -> tuple[str, str]:
            clients = [each.client for each in self._world.things.values()]
            leaks = [leak for client in clients for leak in client.leaks]
            return ("nothing" if not leaks else f"{len(leaks)} answers"), "; ".join(leaks[:5])

        place = self._world.scenario.place
        why = "no head or body of all these answers holds a management address"
        return Check("public-door/no-management-address", place, "nothing", why, act, negative=True)

    def _try(self, name: str, checks: Iterable[Check]) -> None:
        every = list(checks)
        with step(self._progress, f"{name}: {len(every)} expectations"):
            self._ledger.try_all(every)

    def _safely(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except Trouble as error:
            self._progress.fail("inventory", error.what)
            return None
