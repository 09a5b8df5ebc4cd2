"""What happens to an apply: a change for it to make, and who is killed while it makes it."""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.lab_cloud.cloud import Cloud
from tests.lab_cloud.command import Running

from wallcloud.lab.processes import Process, end, processes
from wallcloud.progress import Silent

SEED_VARIABLE = "WALLCLOUD_KILL_SEED"
SEED = os.environ.get(SEED_VARIABLE, "20262")


ON_A_NODE = ("converge", "converge-group", "machine", "connection")
"""`connection`: its wire falls silent, and no end of TCP says so."""


@dataclass(frozen=True)
class Moment:
    """One kill: `victim` after `fraction` of the time that an uninterrupted run takes. Chosen by the seed alone."""

    number: int
    fresh: bool
    victim: str

    @property
    def name(self) -> str:
        return f"{self.number}-{'first' if self.fresh else 'change'}-{self.victim}"

    @property
    def fraction(self) -> float:
        return self._random.uniform(0.03, 0.9)

    @property
    def node(self) -> str:
        """Control has the longest work; the others are killed at times too."""
        rng = self._random
        rng.random()
        return rng.choice(("control", "control", "api", "network", "compute1"))

    @property
    def _random(self) -> random.Random:
        return random.Random(f"{SEED} {self.number}")

    def __str__(self) -> str:
        when = f"{self.fraction:.0%} of {'a first deployment' if self.fresh else 'a change'}"
        where = f" on {self.node}" if self.victim in ON_A_NODE else ""
        return f"{self.victim}{where} killed at {when} ({SEED_VARIABLE}={SEED})"


def kill(cloud: Cloud, running: Running, moment: Moment) -> str | None:
    """SIGKILL, at once; says which node is lost by it. One that is through with its work stands for no moment of it:
    another is taken; None where all are, and nobody was killed."""
    match moment.victim:
        case "deployer":
            running.end()
        case "deployer-with-ssh":
            end(_family(running.pid))
            running.end()
        case victim if victim in ON_A_NODE:
            for node in (moment.node, "control", "network", "compute1", "api"):
                # A session stays open until all are over: one that has said its last word is lost no more.
                if (found := cloud.converge(node)) and not running.said(node, "finished"):
                    match victim:
                        case "converge":
                            end((found,))
                        case "converge-group":
                            end(_family(found.pid))
                        case "connection":
                            cloud.link(node, up=False)
                        case _:
                            cloud.lab.kill(node, Silent())
                    return node
            return None
        case unknown:
            raise ValueError(unknown)
    return ""


def _family(pid: int) -> tuple[Process, ...]:
    """A process and its descendants, in whatever session or group they are."""
    among = processes()
    family = {pid}
    while more := {each.pid for each in among.values() if each.parent in family} - family:
        family |= more
    return tuple(among[each] for each in sorted(family) if each in among)


_HARM: dict[str, str] = {
    "control": """
        systemctl stop wallcloud-keystone-cache wallcloud-apache wallcloud-nova-conductor
        rm -f /etc/wallcloud/tls/management-door.key
    """,
    "api": """
        systemctl stop wallcloud-memcached
        DEBIAN_FRONTEND=noninteractive dpkg --purge --force-depends memcached
    """,
    "network": """
        rm -f /etc/wallcloud/chrony.conf /etc/wallcloud/network.batch
        systemctl stop wallcloud-neutron-dhcp-agent
        ovs-vsctl add-br br-stranger
    """,
    "compute1": """
        systemctl stop wallcloud-chrony wallcloud-nova-compute
        sysctl -qw net.ipv4.ip_forward=1
    """,
}


def change(cloud: Cloud, expiration: int) -> None:
    """Another site, and nodes that are no longer as designed: units, packages, keys, files, settings."""
    cloud.set_expiration(expiration)
    for node, script in _HARM.items():
        cloud.on(node, script)


_TRUTH = """
grep -qx 'expiration *= *{expiration}' /etc/keystone/keystone.conf
started=$(systemctl show --property=ExecMainStartTimestamp --value wallcloud-keystone.service)
test "$(stat --format=%Y /etc/keystone/keystone.conf)" -le "$(date --date="$started" +%s)"
systemctl --quiet is-active wallcloud-keystone-cache wallcloud-apache wallcloud-mariadb \\
    wallcloud-nova-conductor
openssl pkey -noout -in /etc/wallcloud/tls/management-door.key
"""


def expect_changed(cloud: Cloud) -> None:
    """The change has come true, seen with other eyes than the plan's: Keystone runs with what its file says."""
    cloud.on("control", _TRUTH.format(expiration=cloud.expiration))
    cloud.on("api", "systemctl --quiet is-active wallcloud-memcached wallcloud-apache; dpkg --verify memcached")
    cloud.on("network", "systemctl --quiet is-active wallcloud-neutron-dhcp-agent; ! ovs-vsctl br-exists br-stranger")
    active = "systemctl --quiet is-active wallcloud-chrony wallcloud-nova-compute"
    cloud.on("compute1", f"test $(sysctl -n net.ipv4.ip_forward) = 0; {active}")


def frozen(cloud: Cloud, node: str) -> Callable[[], None]:
    """Stops the program of a session on `node` in its tracks; the answer lets it go on (or be gone meanwhile)."""
    import signal

    found = cloud.converge(node)
    assert found is not None, f"no program of a session runs on {node}"
    handle = os.pidfd_open(found.pid)
    signal.pidfd_send_signal(handle, signal.SIGSTOP)

    def thaw() -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGCONT)
        os.close(handle)

    return thaw
