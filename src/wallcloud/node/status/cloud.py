"""What OpenStack's own APIs say: agents, services, capacity, addresses. Asked as the admin, by the management door."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from wallcloud.node.resource import Context
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import NAMES, CloudAccess, Service, listed, own_project
from wallcloud.node.status.asking import Asking, Question
from wallcloud.node.status.model import Agent, Amount, Capacity, CloudHealth, Pool

_CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")


def agents(ctx: Context, access: CloudAccess) -> tuple[Agent, ...] | None:
    """Neutron's agents."""
    found = listed(ctx, access, "network", "/v2.0/agents")
    if found is None:
        return None
    return tuple(Agent(each["binary"], each["host"], each["alive"], each["admin_state_up"]) for each in found)


def services(ctx: Context, access: CloudAccess) -> tuple[Agent, ...] | None:
    """Nova's services."""
    found = listed(ctx, access, "compute", "/os-services")
    if found is None:
        return None
    return tuple(
        Agent(
            each["binary"],
            each["host"],
            each["state"] == "up",
            each["status"] == "enabled",
            each.get("disabled_reason") or "",
        )
        for each in found
    )


def capacity(ctx: Context, access: CloudAccess) -> tuple[Capacity, ...] | None:
    """What Placement has to give, and has given."""
    found = listed(ctx, access, "placement", "/resource_providers")
    return None if found is None else tuple(_provider(ctx, access, each) for each in found)


def _provider(ctx: Context, access: CloudAccess, provider: JSON) -> Capacity:
    where = f"/resource_providers/{provider['uuid']}"
    (inventory,) = listed(ctx, access, "placement", f"{where}/inventories") or ({},)
    (usage,) = listed(ctx, access, "placement", f"{where}/usages") or ({},)
    amounts = (Amount(usage.get(name, 0), _gives(inventory.get(name, {}))) for name in _CLASSES)
    return Capacity(provider["name"], *amounts)


def _gives(inventory: Any) -> int:
    """As Placement itself reckons: (total - reserved) * allocation_ratio."""
    return int((inventory.get("total", 0) - inventory.get("reserved", 0)) * inventory.get("allocation_ratio", 1.0))


def pools(ctx: Context, access: CloudAccess, names: Collection[str]) -> tuple[Pool, ...] | None:
    """IPv4 addresses of the admin's networks of these names."""
    project = own_project(ctx, access)
    found = listed(ctx, access, "network", "/v2.0/network-ip-availabilities", ip_version="4", project_id=project)
    given = listed(ctx, access, "network", "/v2.0/floatingips", fields="floating_network_id")
    if found is None or given is None:
        return None
    floating = Counter(each["floating_network_id"] for each in given)
    ours = sorted((each for each in found if each["network_name"] in names), key=lambda each: str(each["network_name"]))
    return tuple(
        Pool(each["network_name"], each["used_ips"], each["total_ips"], floating[each["network_id"]]) for each in ours
    )


def images(ctx: Context, access: CloudAccess) -> bool | None:
    """Whether Glance answers."""
    return listed(ctx, access, "image", "/v2/images", visibility="public") is not None or None


class Cloud:
    """The questions to the APIs behind the management door.

    `serves`: service (a type in the catalog) → the component that does. `runs` says whether it runs: its socket would
    start it where it does not.
    """

    def __init__(
        self,
        ctx: Context,
        access: CloudAccess,
        networks: Collection[str],
        serves: Mapping[str, str],
        runs: Callable[[str], bool],
        asking: Asking,
    ) -> None:
        self._asking = asking
        self._questions: dict[str, Question] = {}
        asked: tuple[tuple[str, Service, str, Callable[[], object]], ...] = (
            ("agents", "network", "agents", lambda: agents(ctx, access)),
            ("pools", "network", "addresses", lambda: pools(ctx, access, networks)),
            ("services", "compute", "services", lambda: services(ctx, access)),
            ("capacity", "placement", "capacity", lambda: capacity(ctx, access)),
            ("images", "image", "images", lambda: images(ctx, access)),
        )
        for name, service, what, ask in asked:
            text = f"{NAMES[service]}'s {what}"
            needs = (serves["identity"], serves[service])
            stopped = [component for component in needs if not runs(component)]
            if stopped:
                asking.stopped(text, serves[service], stopped[0])
            else:
                self._questions[name] = asking.begin(text, serves[service], ask)

    def health(self) -> CloudHealth:
        """Waits for the answers."""
        return CloudHealth(
            agents=self._answer("agents"),
            services=self._answer("services"),
            capacity=self._answer("capacity"),
            pools=self._answer("pools"),
            images=self._answer("images"),
        )

    def _answer(self, name: str) -> Any:
        question = self._questions.get(name)
        return question and self._asking.answer(question)
