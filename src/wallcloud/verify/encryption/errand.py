"""What the canaries' tenant does while every wire is recorded: each canary really goes its whole way."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv4Network
from typing import Any

from wallcloud.catalog import neutron_metadata_agent
from wallcloud.catalog.offerings import GUEST
from wallcloud.verify.encryption.canaries import NAME, Canaries
from wallcloud.verify.hands import Trouble
from wallcloud.verify.tenants import accounts
from wallcloud.verify.tenants.client import Client, until

_SECONDS = 40.0
METADATA = "/openstack/latest/meta_data.json"


class Errand:
    """One tenant's run. What is made is taken away by `end`, whatever happened."""

    def __init__(self, boss: Client, tenant: Client, canaries: Canaries) -> None:
        self._boss = boss
        self._tenant = tenant
        self._canaries = canaries
        self.server = ""

    def begin(self) -> str:
        """Makes the tenant; its first token. Raises Trouble."""
        if accounts.left(self._boss, NAME):
            self._log_in()
            self._clear()
            accounts.remove(self._boss, NAME)
        return self._log_in()

    def _log_in(self) -> str:
        accounts.make(self._boss, NAME, self._canaries.password)
        return self.again()

    def admin(self) -> None:
        """An admin's token goes to the management door. Raises Trouble."""
        self._boss.want("GET", "identity", f"projects?name={NAME}")

    def again(self) -> str:
        """Password to Keystone, a token back."""
        self._tenant.login(NAME, self._canaries.password, NAME)
        return self._tenant.token

    @property
    def token(self) -> str:
        """The last that it was given."""
        return self._tenant.token

    def port(self, cidr: IPv4Network) -> None:
        """The description goes to all agents with the port; the network's DHCP agent gets it anew by a change."""
        network = self._made("networks", {"name": NAME})
        self._made("subnets", {"name": NAME, "network_id": network, "ip_version": 4, "cidr": str(cidr)})
        port = self._made("ports", {"network_id": network, "description": self._canaries.rpc})

        def served() -> bool | None:
            way = f"ports?network_id={network}&device_owner=network:dhcp"
            return True if self._tenant.want("GET", "network", way)["ports"] else None

        until("no DHCP agent serves the network", _SECONDS, served)
        body = {"port": {"description": f"{self._canaries.rpc} {self._canaries.rpc}"}}
        self._tenant.want("PUT", "network", f"ports/{port}", body)

    def _made(self, kind: str, body: dict[str, Any]) -> str:
        single = kind.removesuffix("s")
        return str(self._tenant.want("POST", "network", kind, {single: body})[single]["id"])

    def boot(self, flavor: str) -> None:
        """A server without a network; waits until a compute has it."""
        images = self._tenant.want("GET", "image", f"images?status=active&name={GUEST}")["images"]
        flavors = self._tenant.want("GET", "compute", "flavors")["flavors"]
        if not images:
            raise Trouble(f"there is no image {GUEST}")
        server = {
            "name": NAME,
            "imageRef": images[0]["id"],
            "flavorRef": next(each["id"] for each in flavors if each["name"] == flavor),
            "networks": "none",
            "metadata": {"canary": self._canaries.sql},
        }
        self.server = str(self._tenant.want("POST", "compute", "servers", {"server": server})["server"]["id"])

        def placed() -> bool | None:
            shown = self._tenant.want("GET", "compute", f"servers/{self.server}")["server"]
            return True if shown["hostId"] or shown["status"] == "ERROR" else None

        until("no compute takes the server", _SECONDS, placed)

    def asked(self, secret: str) -> dict[str, Any]:
        """How Neutron's metadata agent asks nova-metadata for it (nova.api.metadata.handler)."""
        return {
            "protocol": "http",
            "address": "127.0.0.1",
            "port": neutron_metadata_agent.PORT,
            "path": METADATA,
            "headers": {
                "X-Instance-ID": self.server,
                "X-Tenant-ID": self._tenant.project,
                "X-Forwarded-For": "192.0.2.2",
                "X-Instance-ID-Signature": hmac.new(secret.encode(), self.server.encode(), hashlib.sha256).hexdigest(),
            },
            "wanted": self._canaries.sql,
        }

    def end(self) -> None:
        """Takes everything away. Raises Trouble."""
        self._clear()
        accounts.remove(self._boss, NAME)

    def _clear(self) -> None:
        for server in self._tenant.want("GET", "compute", "servers")["servers"]:
            self._tenant.gone("compute", f"servers/{server['id']}")
        until("the server does not go", _SECONDS, self._no_server)
        mine = f"project_id={self._tenant.project}"
        for port in self._tenant.want("GET", "network", f"ports?{mine}")["ports"]:
            if not port["device_owner"].startswith("network:"):
                self._tenant.gone("network", f"ports/{port['id']}")
        for network in self._tenant.want("GET", "network", f"networks?{mine}")["networks"]:
            self._tenant.gone("network", f"networks/{network['id']}")

    def _no_server(self) -> bool | None:
        return None if self._tenant.want("GET", "compute", "servers")["servers"] else True

    def safely_ended(self) -> str:
        """As `end`, with what went wrong as text. The tenant stays then, so that the next run finds what it has."""
        try:
            self.end()
        except Trouble as error:
            return error.what
        return ""
