"""What makes each program of the cloud connect to its servers anew."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab_cloud.impostor import Way
from tests.node.servers.disturbances import AS_ADMIN

from wallcloud.catalog import neutron_metadata_agent, tls
from wallcloud.catalog.identity import ADMIN, ADMIN_PASSWORD, ADMIN_PROJECT
from wallcloud.catalog.nova_metadata import CONFIG
from wallcloud.catalog.place import internal_name
from wallcloud.deploy import rotation
from wallcloud.deploy.prepare import state_of
from wallcloud.site.load import Loaded
from wallcloud.verify.hands import Hands

PATHS = {
    "glance": "/image/v2/images",
    "neutron-api": "/network/v2.0/networks",
    "nova-api": "/compute/v2.1/servers",
    "placement": "/placement/resource_providers",
}
"""Where each API looks at a token."""
AT_START = ("nova-conductor", "nova-scheduler", "nova-compute")
"""They look for Placement when they start."""
DEEP = ("nova-compute", "neutron-rpc", "root")
"""They connect only where other programs reach their servers."""
PLUGGED = "compute1"
MAKE = """
network = next(each["id"] for each in call("GET", "/networks")[1]["networks"] if each["name"] == "flat-a")
wanted = {"network_id": network, "name": "impostor", "device_owner": "compute:nova", "device_id": given["device"],
          "binding:host_id": given["host"]}
made = call("POST", "/ports", {"port": wanted})[1]["port"]
print(made["id"], made["mac_address"])
"""
REMOVE = """
for each in call("GET", "/ports?name=impostor")[1]["ports"]:
    call("DELETE", "/ports/" + each["id"])
"""
UPTIME = """
first = call("GET", "/os-hypervisors")[1]["hypervisors"][0]["id"]
call("GET", f"/os-hypervisors/{first}/uptime")
"""
DEVICE = "6d6f7274-616c-4d61-8369-6d706f73746f"
"""A VM that Nova never had: it answers that it does not know it."""
Call = Callable[[], object]


@dataclass(frozen=True)
class Port:
    """A port of Neutron's that a VM on `PLUGGED` would have."""

    id: str
    mac: str


@dataclass(frozen=True)
class Callers:
    """`hands`: of every node. `plan`: runs `wallcloud plan`. `public`: address and name of the tenants' door. `port`:
    for Neutron's RPC server to tell Nova of."""

    hands: dict[str, Hands]
    admin: Admin
    plan: Call
    public: tuple[str, str]
    port: Port | None = None

    def of(self, way: Way) -> Call | None:
        """What makes this client connect; None where nobody knows."""
        talk, client = way.talk, way.client
        here = self.hands[talk.place]
        match talk.protocol, client:
            case "amqps", "nova-api":
                return lambda: self._rpc(way)
            case "amqps", _:
                return lambda: here.call("cut", account=talk.account, port=talk.port)
            case "mysql", "nova-metadata":
                return lambda: self._metadata(way, "X-Instance-ID")
            case "ntske", "chrony" | "_chrony":
                return lambda: here.call("forget_cookies")
            case "https", "public-door":
                return lambda: self._ask(way, "/identity/v3", public=True)
            case "https", name if name in PATHS:
                return lambda: self._ask(way, PATHS[name])
            case "https", name if name in AT_START:
                return lambda: here.call("restart", unit=name)
            case "https", "nova-metadata":
                return lambda: self._metadata(way, "X-Metadata-Provider")
            case "https", "neutron-rpc" if self.port:
                return self._plug
            case "https", "root":
                return self._look
            case _:
                return None

    def _look(self) -> None:
        """Of doors that answered once a plan asks nothing more."""
        for hands in self.hands.values():
            hands.call("forget_ready", unit="apache")
        self.plan()

    def _ask(self, way: Way, path: str, *, public: bool = False) -> None:
        """A kept connection would do for it."""
        talk = way.talk
        here = self.hands[talk.place]
        here.call("cut", account=talk.account, port=talk.port)
        address, name = self.public if public else (talk.address, talk.name)
        here.call("ask", address=address, name=name, path=path)

    def _metadata(self, way: Way, asked: str) -> None:
        """Of a VM its database knows, of a load balancer's subnets Neutron."""
        here = self.hands[way.talk.place]
        here.call("cut", account=way.talk.account, port=way.talk.port)
        here.call("ask_metadata", port=neutron_metadata_agent.PORT, config=CONFIG, asked=asked)

    def _rpc(self, way: Way) -> None:
        """It has no work from the bus: it connects when it asks a compute. Its answer comes too late, as it must."""
        self.hands[way.talk.place].call("cut", account=way.talk.account, port=way.talk.port)
        self.admin.act("/compute/v2.1", UPTIME, 10)

    def _plug(self) -> None:
        if self.port:
            self.hands[PLUGGED].call("plug", port=self.port.id, mac=self.port.mac)


class Admin:
    """Python at work on control with an admin's token: `call(method, path, body)`; `door` is the APIs' URL."""

    def __init__(self, loaded: Loaded, run: Callable[[str, str, str], str]) -> None:
        """`run`: (node, script, standard input) → standard output."""
        state = state_of(loaded)
        secret = rotation.load(state).used(ADMIN_PASSWORD).name
        self.run = run
        self._door = f"https://{internal_name(loaded.site, 'control')}"
        self._given = {
            "url": f"{self._door}/identity/v3",
            "ca": tls.CA,
            "admin": ADMIN,
            "project": ADMIN_PROJECT,
            "password": state.secrets_known((secret,))[secret],
            "host": PLUGGED,
            "device": DEVICE,
        }

    def act(self, api: str, lines: str, seconds: int = 60) -> str:
        """What it prints."""
        program = f'{AS_ADMIN}\nurl = "{self._door}{api}"\n{lines}'
        argv = shlex.join(("timeout", str(seconds), "python3", "-I", "-c", program))
        return self.run("control", f"exec {argv}", json.dumps(self._given))


@contextmanager
def plugged(admin: Admin) -> Iterator[Port]:
    """A port as a VM's, on a node; it goes with its end."""
    try:
        id, mac = admin.act("/network/v2.0", MAKE).split()
        yield Port(id, mac)
    finally:
        admin.run(PLUGGED, "ovs-vsctl --if-exists del-port br-int impostor", "")
        admin.act("/network/v2.0", REMOVE)
