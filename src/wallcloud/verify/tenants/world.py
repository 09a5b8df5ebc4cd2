"""What checks work with: the scenario, the hands, and what each tenant made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wallcloud.verify.hands import Hands, Trouble
from wallcloud.verify.tenants.client import Client, until
from wallcloud.verify.tenants.scenario import Guest, Scenario
from wallcloud.verify.tenants.things import Things

READY_SECONDS = 180.0


@dataclass
class World:
    """One run. What is not there when a check asks for it raises Trouble: that check fails, the others go on."""

    scenario: Scenario
    workstation: Hands
    nodes: Mapping[str, Hands]
    admin: Client
    things: dict[str, Things]
    stranger: Hands | None = None
    """A machine on the floating wires that is no tenant's; where there is a lab, its physical router."""
    own: str = ""
    """The workstation's address towards the cloud."""
    mirror: int = 0
    """The port of the server on the workstation that says whom it sees."""
    dumb: set[str] = field(default_factory=set)
    """Guests that never got ready: they are not waited for again and again."""

    def of(self, guest: Guest) -> Things:
        """What the guest's tenant made."""
        return self.things[guest.tenant]

    def guest(self, name: str) -> Guest:
        """The guest of that name."""
        return next(guest for guest in self.scenario.guests if guest.name == name)

    def outer(self, guest: Guest) -> str:
        """Where the workstation reaches the guest: its floating IP or its address on a flat network. Raises Trouble."""
        if guest.flat:
            return self.of(guest).address(guest)
        if guest.name not in self.of(guest).floating:
            raise Trouble(f"{guest.name} has no floating IP")
        return self.of(guest).floating[guest.name]

    def ask(self, guest: Guest, line: str, wait: float = 40.0) -> dict[str, Any]:
        """The answer of a guest's prober, through its neighbour where it has no floating IP. Raises Trouble."""
        if guest.name in self.dumb:
            raise Trouble(f"{guest.name} never got ready")
        return self._ask(guest, line, wait)

    def _ask(self, guest: Guest, line: str, wait: float) -> dict[str, Any]:
        first, way = self._way(guest)
        told = self.workstation.call("ask", address=self.outer(first), line=way + line, wait=wait, within=wait + 10)
        if not isinstance(told, dict) or "ok" not in told:
            raise Trouble(f"{guest.name} answers {told!r}")
        if str(told.get("error", "")).startswith(("usage:", "prober of ")):
            raise Trouble(f"{guest.name}: {told['error']}")
        return told

    def ask_all(self, guest: Guest, lines: Sequence[str], wait: float = 60.0) -> list[dict[str, Any]]:
        """The answers of a guest's prober to many requests, over one connection. Raises Trouble."""
        if guest.name in self.dumb:
            raise Trouble(f"{guest.name} never got ready")
        first, way = self._way(guest)
        told: list[dict[str, Any]] = self.workstation.call(
            "ask_all", address=self.outer(first), lines=[way + line for line in lines], wait=wait, within=wait + 10
        )
        return told

    def _way(self, guest: Guest) -> tuple[Guest, str]:
        """The guest that the workstation reaches, and what it is told before a request that is for another one."""
        if guest.flat or guest.floating:
            return guest, ""
        tenant = self.scenario.tenant(guest.tenant)
        return next(other for other in tenant.private if other.floating), f"ask {self.of(guest).address(guest)} "

    def ready(self, guest: Guest) -> dict[str, Any]:
        """What a guest tells of itself as soon as it has its address and its metadata. Raises Trouble in time."""

        self.of(guest).server(guest)

        def look() -> dict[str, Any] | None:
            try:
                told = self._ask(guest, "about", 10.0)
            except Trouble:
                return None
            return told if told.get("ready") is not None else None

        try:
            return until(f"{guest.name} is not ready", READY_SECONDS, look)
        except Trouble:
            self.dumb.add(guest.name)
            raise


def short(name: object) -> str:
    """A host name without the domain that Nova puts behind it."""
    return str(name).partition(".")[0]
