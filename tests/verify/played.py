"""Hands that are played: what each kind of call answers is said by the test."""

from collections.abc import Callable
from typing import Any, cast

from tests.design.world import designed

from wallcloud.design.compile import Design
from wallcloud.verify.hands import Hands
from wallcloud.verify.tenants.client import Client, DoorAt
from wallcloud.verify.tenants.scenario import scenario
from wallcloud.verify.tenants.things import Things
from wallcloud.verify.tenants.world import World

DOOR = DoorAt("office", "198.18.30.12", 443, "cloud.example", "CA", "public")


class Played:
    """Answers by kind; keeps what it was asked."""

    def __init__(self, **kinds: Callable[..., Any]) -> None:
        self.kinds = kinds
        self.place = "router"
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def call(self, kind: str, *, within: float = 0, **args: Any) -> Any:
        self.asked.append((kind, args))
        return self.kinds[kind](**args)


def hands(**kinds: Callable[..., Any]) -> Hands:
    return cast(Hands, Played(**kinds))


def world(workstation: Hands | None = None, design: Design | None = None, **nodes: Hands) -> World:
    """A world in which both tenants have made everything, with ids that follow from names."""
    plan = scenario(design or designed())
    here = workstation or hands()
    found = {}
    for tenant in plan.tenants:
        made = Things(Client(here, DOOR))
        made.client.project = f"project-of-{tenant.name}"
        made.network = {"id": f"net-{tenant.name}", "mtu": 1500}
        made.subnet = {"id": f"subnet-{tenant.name}", "gateway_ip": "192.0.2.1"}
        made.router = {"id": f"router-{tenant.name}"}
        for number, guest in enumerate(plan.guests):
            if guest.tenant == tenant.name:
                address = guest.address or f"198.18.5{number % 2 + 1}.{number + 20}"
                mac = f"fa:16:3e:00:00:{number:02x}"
                fixed = [{"ip_address": address}]
                made.ports[guest.name] = {"id": f"{number}-port-of-it", "mac_address": mac, "fixed_ips": fixed}
                made.servers[guest.name] = f"server-{guest.name}"
                if guest.floating:
                    made.floating[guest.name] = f"198.18.41.{number + 10}"
        found[tenant.name] = made
    return World(plan, here, nodes, Client(here, DOOR), found, stranger=hands())
