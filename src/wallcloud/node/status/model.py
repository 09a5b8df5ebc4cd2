"""What a node answers when it is asked how it is. Sizes in MiB, times in seconds since 1970."""

from wallcloud.frozen import frozen


@frozen
class UnitHealth:
    """One unit of the spec. `active` and `sub` are systemd's words; `stays`: it is to be active all the time.

    `answers`: what came of its own probe, with what that `said`; None where it has none, or does not run: asking could
    start it.
    """

    component: str
    unit: str
    stays: bool
    active: str
    sub: str
    answers: bool | None = None
    said: str = ""

    @property
    def well(self) -> bool:
        return self.active == "active" and self.answers is not False if self.stays else self.active != "failed"


@frozen
class Life:
    """From when to when a certificate is good."""

    since: float
    until: float


@frozen
class CertificateHealth:
    """A certificate of the spec; without a `life` where there is none to be read."""

    name: str
    life: Life | None


@frozen
class Disk:
    """One file system, by the shortest path that the design has there."""

    path: str
    size: int
    free: int


@frozen
class AccountUse:
    """An account of MariaDB's, as user@host, and its connections."""

    account: str
    connections: int

    @property
    def user(self) -> str:
        return self.account.rpartition("@")[0]


@frozen
class DatabaseHealth:
    """MariaDB's connections: now, at most since its start, and its limit."""

    connections: int
    most: int
    limit: int
    accounts: tuple[AccountUse, ...]


@frozen
class Queue:
    """A queue of RabbitMQ's. `expires`: it goes by itself where nobody uses it, as those of replies and of fanouts."""

    vhost: str
    name: str
    messages: int
    consumers: int
    expires: bool


@frozen
class BusHealth:
    """RabbitMQ: what its own health checks look at (rabbitmq-diagnostics(8)), connections, and every queue.

    `alarms`: memory or disk for which it blocks publishers; `down`: virtual hosts that do not run.
    """

    alarms: tuple[str, ...]
    down: tuple[str, ...]
    connections: int
    limit: int
    memory: int
    memory_limit: int
    queues: tuple[Queue, ...]


@frozen
class Agent:
    """A service of Nova's or an agent of Neutron's as their APIs tell it. `alive`: it reported lately."""

    binary: str
    host: str
    alive: bool
    enabled: bool
    reason: str = ""


@frozen
class Amount:
    """How much of a resource class of Placement's is taken; the total is what it gives, overcommitted."""

    used: int
    total: int


@frozen
class Capacity:
    """What a compute has for VMs: virtual CPUs, memory (MiB), disk (GiB)."""

    host: str
    vcpus: Amount
    memory: Amount
    disk: Amount


@frozen
class Pool:
    """Addresses of a floating or flat network: taken by anything (routers, floating IPs, ports), and in all."""

    network: str
    used: int
    total: int
    floating_ips: int


@frozen
class Servers:
    """So many VMs of a host ("" where they have none) that Nova counts as `state` (vm_state)."""

    host: str
    state: str
    count: int


@frozen
class CloudHealth:
    """What OpenStack's APIs say; None where one was not asked or did not answer: then `Answer.silent` says why."""

    agents: tuple[Agent, ...] | None = None
    services: tuple[Agent, ...] | None = None
    capacity: tuple[Capacity, ...] | None = None
    pools: tuple[Pool, ...] | None = None
    images: bool | None = None


@frozen
class Silence:
    """A question without an answer. `component`: whose answer is missing; `cause`: the one that does not run."""

    what: str
    component: str
    why: str
    cause: str = ""


@frozen
class Answer:
    """All that one node says."""

    units: tuple[UnitHealth, ...]
    certificates: tuple[CertificateHealth, ...]
    disks: tuple[Disk, ...]
    memory: int
    memory_free: int
    database: DatabaseHealth | None = None
    bus: BusHealth | None = None
    servers: tuple[Servers, ...] | None = None
    cloud: CloudHealth | None = None
    silent: tuple[Silence, ...] = ()
